/**
 * What is asked of Gnocchi's REST API, and what it answers. Pure.
 *
 * @see https://gnocchi.osci.io/rest.html
 */
import type { Batch, Name, Point } from '../metric/index.ts';
import { shortKey } from './amqp/template.ts';
import { formatValue } from './graphite.ts';
import { instanceOf, meterOf } from './openstack.ts';

type Attributes = Readonly<Record<string, string | null>>;

/** Something that is measured, as Gnocchi keeps it. */
export interface GnocchiResource {
  /** What it is called by whoever measures it; Gnocchi makes a UUID of what is none. */
  readonly id: string;
  readonly type: string;
  /** Whose it is, and what its type has beside that. */
  readonly attributes: Attributes;
}

/** The points of one resource. */
interface Measured {
  readonly resource: GnocchiResource;
  readonly points: Point[];
}

/** How a series stands in a batch; the same for as long as it lives. */
interface Place {
  readonly resource: GnocchiResource;
  readonly meter: string;
  /** `"archive_policy_name":…,"unit":…,` */
  readonly how: string;
}

export interface GnocchiOptions {
  /** The archive policy of a metric that is not there yet. */
  readonly archivePolicy: string;
  /** The same of a total, which is read by its rate. */
  readonly totalsArchivePolicy: string;
}

/** Gnocchi takes neither a slash in a name, for which Ceilometer writes this, nor more than 255 characters. */
const fitting = (text: string): string => shortKey(text.replaceAll('/', '_'));

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

const orNull = (text: string): string | null => (text === '' ? null : text);

function resourceOf(name: Name): GnocchiResource {
  const { series } = name;
  const { of, resource } = meterOf(name);
  const id = fitting(resource);
  const it = instanceOf(series.labels);
  if (it === undefined) return { id, type: of, attributes: { host_name: series.host } };
  const owner = { user_id: orNull(it.user), project_id: orNull(it.project) };
  if (of === 'instance') {
    const { displayName, flavor, flavorId, image } = it;
    return {
      ...{ id, type: of },
      attributes: {
        ...owner,
        ...{ display_name: shortKey(displayName), host: series.host },
        ...{ flavor_id: flavorId, flavor_name: flavor },
        ...(image === '' ? {} : { image_ref: image }),
      },
    };
  }
  const device = { name: shortKey(series.labels['device'] ?? ''), instance_id: it.id };
  // A device belongs to an instance by its UUID, and a guest that Nova has not started may have none.
  return UUID.test(it.id)
    ? { id, type: of, attributes: { ...owner, ...device } }
    : { id, type: 'generic', attributes: owner };
}

/** A batch, by what is measured. */
export class GnocchiBatch {
  readonly #measured = new Map<string, Measured>();
  readonly #places: WeakMap<Name, Place>;

  constructor(batch: Batch, places: (name: Name) => Place, known: WeakMap<Name, Place>) {
    this.#places = known;
    for (const point of batch) {
      const { resource } = places(point.name);
      const measured = this.#measured.get(resource.id);
      if (measured === undefined) this.#measured.set(resource.id, { resource, points: [point] });
      else measured.points.push(point);
    }
  }

  /** What it is about. */
  get resources(): readonly GnocchiResource[] {
    return Array.from(this.#measured.values(), ({ resource }) => resource);
  }

  /** How many points are left. */
  get size(): number {
    let size = 0;
    for (const { points } of this.#measured.values()) size += points.length;
    return size;
  }

  resource(id: string): GnocchiResource | undefined {
    return this.#measured.get(id)?.resource;
  }

  /** Leaves a resource out. */
  drop(id: string): void {
    this.#measured.delete(id);
  }

  /** The body of `POST /v1/batch/resources/metrics/measures`. */
  body(): string {
    const resources: string[] = [];
    for (const [id, { points }] of this.#measured) {
      const meters = new Map<string, string>();
      for (const { name, value, time } of points) {
        const { meter = '', how = '' } = this.#places.get(name) ?? {};
        const measure = `{"timestamp":${time},"value":${formatValue(value, name.precision)}}`;
        const begun = meters.get(meter);
        meters.set(
          meter,
          begun === undefined ? `{${how}"measures":[${measure}` : `${begun},${measure}`,
        );
      }
      const inside = Array.from(meters, ([meter, text]) => `${JSON.stringify(meter)}:${text}]}`);
      resources.push(`${JSON.stringify(id)}:{${inside.join(',')}}`);
    }
    return `{${resources.join(',')}}`;
  }
}

/** Makes batches for Gnocchi, and remembers what is the same of a series at every tick. */
export function gnocchiBatches({
  archivePolicy,
  totalsArchivePolicy,
}: GnocchiOptions): (batch: Batch) => GnocchiBatch {
  const known = new WeakMap<Name, Place>();
  const placeOf = (name: Name): Place => {
    let place = known.get(name);
    if (place === undefined) {
      const { name: meter, type, unit } = meterOf(name);
      const policy = type === 'cumulative' ? totalsArchivePolicy : archivePolicy;
      const how = JSON.stringify({ archive_policy_name: policy, unit });
      place = {
        resource: resourceOf(name),
        meter: fitting(meter),
        how: `${how.slice(1, -1)},`,
      };
      known.set(name, place);
    }
    return place;
  };
  return (batch) => new GnocchiBatch(batch, placeOf, known);
}

const text = (required: boolean) => ({
  ...{ type: 'string', min_length: 0, max_length: 255, required },
});
const uuid = { type: 'uuid', required: true };

/** The types of resources as `ceilometer-upgrade` defines them, as far as they have what we say. */
export const RESOURCE_TYPES: Readonly<Record<string, object>> = {
  instance: {
    ...{ display_name: text(true), host: text(true), flavor_id: text(true) },
    ...{ flavor_name: text(true), image_ref: text(false), server_group: text(false) },
  },
  instance_disk: { name: text(true), instance_id: uuid },
  instance_network_interface: { name: text(true), instance_id: uuid },
  nova_compute: { host_name: text(true) },
  host: { host_name: text(true) },
};

const low = [{ granularity: '5 minutes', timespan: '30 days' }];
const high = [
  { granularity: '1 second', timespan: '1 hour' },
  { granularity: '1 minute', timespan: '1 day' },
  { granularity: '1 hour', timespan: '365 days' },
];

/** The archive policies that Ceilometer brings with it: how long, how fine, and whether rates are kept. */
export const ARCHIVE_POLICIES: ReadonlyMap<string, object> = new Map(
  Object.entries({ 'ceilometer-low': low, 'ceilometer-high': high }).flatMap(
    ([name, definition]): [string, object][] => [
      [name, { name, back_window: 0, aggregation_methods: ['mean'], definition }],
      [
        `${name}-rate`,
        {
          name: `${name}-rate`,
          back_window: 0,
          aggregation_methods: ['mean', 'rate:mean'],
          definition,
        },
      ],
    ],
  ),
);

/** Why a request was refused, as far as something can be done about it. */
export type Refusal =
  | { readonly why: 'unknown resources'; readonly ids: readonly string[] }
  | { readonly why: 'unknown archive policy'; readonly name: string }
  | { readonly why: 'unknown resource type'; readonly name: string }
  | { readonly why: 'anything else'; readonly sentence: string };

/**
 * What an answer of 4xx says. Of a long one only the beginning may be there: as many resources as it names
 * are unknown, and the next answer names others.
 */
export function refusalOf(answer: string): Refusal {
  if (/"cause": ?"Unknown resources"/.test(answer)) {
    const names = answer.matchAll(/"original_resource_id": ?("(?:[^"\\]|\\.)*")/g);
    return { why: 'unknown resources', ids: Array.from(names, ([, id = '""']) => unquoted(id)) };
  }
  const missing = /"(Archive policy|Resource type) ([^"\\]{1,300}) does not exist"/.exec(answer);
  if (missing !== null) {
    const [, what, name = ''] = missing;
    return what === 'Archive policy'
      ? { why: 'unknown archive policy', name }
      : { why: 'unknown resource type', name };
  }
  return { why: 'anything else', sentence: sentenceOf(answer) };
}

function unquoted(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return '';
  }
}

/** The reason in an answer, or the answer. */
function sentenceOf(answer: string): string {
  try {
    const { description } = JSON.parse(answer) as { description?: unknown };
    if (typeof description === 'string' && description !== '') return description;
    const { reason } = (description ?? {}) as { reason?: unknown };
    return typeof reason === 'string' ? reason : answer;
  } catch {
    return answer;
  }
}
