/**
 * Ceilometer's samples as notifications on OpenStack's message bus, as its compute agent publishes them.
 *
 * A notification is the `samples` of one message in oslo.messaging's envelope, version 2.0. Each sample is
 * signed as ceilometer.publisher.utils does it: HMAC-SHA256 with the deployment's telemetry secret.
 *
 * @see https://docs.openstack.org/ceilometer/latest/contributor/architecture.html
 */
import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { Batch, Meter, Name, Point } from '../../metric/index.ts';
import { formatValue } from '../graphite.ts';
import { type Instance, instanceOf, meterOf } from '../openstack.ts';

/**
 * What a notification is called, and so who takes it: `telemetry.polling` what an agent has polled, by
 * the notification agent; `metering` what a notifier:// publisher sends, by a collector (before Queens).
 */
export const EVENTS = ['telemetry.polling', 'metering'] as const;
export type Event = (typeof EVENTS)[number];

export interface CeilometerOptions {
  readonly event: Event;
  /** Ceilometer's `telemetry_secret`; without it samples have an empty signature, as Ceilometer's. */
  readonly secret: string | undefined;
  /** Makes the identifiers of samples and messages; UUIDs where absent. */
  readonly id?: () => string;
}

/** JSON of the kinds that a sample has. */
type Json = string | number | null | { readonly [key: string]: Json };
type Fields = Readonly<Record<string, Json>>;

/** What is the same of all samples of a series. */
interface Frame {
  /** For how many CPUs it was made, where the meter is `cpu`. */
  readonly cpus: number | undefined;
  /** What is signed before and behind the volume, the identifier and the time. */
  readonly signed: readonly [string, string, string, string];
  /** The sample, up to its volume. */
  readonly json: string;
}

/** What a sample has that is not the same for all of a series: empty, in its place in the order. */
const OWN = { counter_volume: '', message_id: '', timestamp: '' };
const OWN_NAMES = Object.keys(OWN);

/** In the order in which Python sorts texts: by code points, as bytes of UTF-8 are in, too. */
const byName = ([a]: readonly [string, Json], [b]: readonly [string, Json]): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What Python's `str` makes of it. */
function pythonText(value: Exclude<Json, object> | null): string {
  return value === null ? 'None' : String(value);
}

/** The names and values that are signed: of a map within a map `outer:inner`, in the order of names. */
function* pairs(fields: Fields): Generator<readonly [string, string]> {
  for (const [name, value] of Object.entries(fields).sort(byName)) {
    if (value !== null && typeof value === 'object') {
      for (const [inner, text] of pairs(value)) yield [`${name}:${inner}`, text];
    } else yield [name, pythonText(value)];
  }
}

/**
 * What Python's `str` makes of a number that it has read: of one with a point a float, which is written with
 * an exponent where it is small.
 *
 * @param text as it is in the message, never with an exponent.
 */
export function pythonNumber(text: string): string {
  if (!text.includes('.')) return text;
  const value = Number(text);
  if (Number.isInteger(value)) return `${value}.0`;
  if (Math.abs(value) >= 1e-4) return String(value);
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
}

const orNull = (text: string): string | null => (text === '' ? null : text);

/** What Nova tells of an instance's host to those who may not know its name. */
const hostId = (project: string, host: string): string =>
  createHash('sha224')
    .update(project + host)
    .digest('hex');

/** What Ceilometer knows of a guest, as far as we do. */
function instanceMetadata(it: Instance, host: string): Fields {
  const { id, name, displayName, project, flavor, flavorId, image } = it;
  return {
    display_name: displayName,
    name,
    instance_id: id,
    instance_type: orNull(flavor),
    host: hostId(project, host),
    instance_host: host,
    flavor: { id: orNull(flavorId), name: orNull(flavor) },
    image: image === '' ? null : { id: image },
    image_ref: orNull(image),
  };
}

function metadataOf(
  { series, labels = {} }: Name,
  { of }: Meter,
  it: Instance | undefined,
): Fields {
  const { device = '' } = series.labels;
  const ours = Object.entries(labels).filter(([label]) => series.labels[label] === undefined);
  return {
    ...(it === undefined ? { host: series.host } : instanceMetadata(it, series.host)),
    ...(of === 'instance_disk' ? { disk_name: device } : {}),
    ...(of === 'instance_network_interface' ? { name: device, vnic_name: device } : {}),
    ...(ours.length === 0 ? {} : { user_metadata: Object.fromEntries(ours) }),
  };
}

function frameOf(name: Name, cpus: number | undefined): Frame {
  const meter = meterOf(name);
  const it = instanceOf(name.series.labels);
  const metadata = metadataOf(name, meter, it);
  const fields: Fields = {
    source: 'openstack',
    counter_name: meter.name,
    counter_type: meter.type,
    counter_unit: meter.unit,
    user_id: orNull(it?.user ?? ''),
    user_name: orNull(it?.userName ?? ''),
    project_id: orNull(it?.project ?? ''),
    project_name: orNull(it?.projectName ?? ''),
    resource_id: meter.resource,
    resource_metadata: cpus === undefined ? metadata : { ...metadata, cpu_number: cpus },
    monotonic_time: null,
  };
  const signed: string[] = [''];
  for (const [field, text] of pairs({ ...fields, ...OWN })) {
    signed[signed.length - 1] += field + text;
    if (OWN_NAMES.includes(field)) signed.push('');
  }
  const [a = '', b = '', c = '', d = ''] = signed;
  return { cpus, signed: [a, b, c, d], json: `${JSON.stringify(fields).slice(0, -1)},` };
}

/** The last second that Python has a date for. */
const LAST_SECOND = 253_402_300_799;

/** As Python's `isoformat` writes it: without the zone, which is UTC, and a fraction only where there is one. */
const timeOf = (seconds: number): string =>
  new Date(Math.min(Math.max(seconds, 0), LAST_SECOND) * 1000)
    .toISOString()
    .replace(/(?:\.000)?Z$/, '');

/** Guests whose number of CPUs is remembered, at most. */
const MOST_GUESTS = 20_000;

/**
 * Makes an encoder, which remembers what is the same of a series at every tick.
 *
 * @returns the body of a message that holds the whole batch.
 */
export function ceilometerNotifications({
  event,
  secret,
  id = randomUUID,
}: CeilometerOptions): (batch: Batch) => string {
  const frames = new WeakMap<Name, Frame>();
  // `cpu_util` is made of `cpu` by who knows how many CPUs there are, and they are another meter.
  const cpus = new Map<string, number>();
  let lastTime = Number.NaN;
  let time = '';

  function frame(name: Name): Frame {
    const count = name.meter?.name === 'cpu' ? cpus.get(name.meter.resource) : undefined;
    let known = frames.get(name);
    if (known === undefined || known.cpus !== count) {
      known = frameOf(name, count);
      frames.set(name, known);
    }
    return known;
  }

  function sample({ name, value, time: seconds }: Point): string {
    const { signed, json } = frame(name);
    if (seconds !== lastTime) {
      lastTime = seconds;
      time = timeOf(seconds);
    }
    const volume = formatValue(value, name.precision);
    const own = id();
    const [a, b, c, d] = signed;
    const signature =
      secret === undefined || secret === ''
        ? ''
        : createHmac('sha256', secret)
            .update(`${a}${pythonNumber(volume)}${b}${own}${c}${time}${d}`)
            .digest('hex');
    return (
      `${json}"counter_volume":${volume},"timestamp":"${time}",` +
      `"message_id":"${own}","message_signature":"${signature}"}`
    );
  }

  return (batch) => {
    for (const { name, value } of batch) {
      if (name.meter?.name !== 'vcpus') continue;
      if (cpus.size >= MOST_GUESTS) cpus.clear();
      cpus.set(name.meter.resource, value);
    }
    const samples = `[${batch.map(sample).join(',')}]`;
    const now = timeOf(batch.at(-1)?.time ?? 0).replace('T', ' ');
    const own = id();
    const message =
      `{"message_id":"${own}","publisher_id":"ceilometer.polling","event_type":"${event}",` +
      `"priority":"SAMPLE","payload":${event === 'metering' ? samples : `{"samples":${samples}}`},` +
      `"timestamp":"${now}","_unique_id":"${own.replaceAll('-', '')}"}`;
    return JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': message });
  };
}
