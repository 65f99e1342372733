/**
 * What the labels of a guest's series say of it, in OpenStack's words.
 *
 * Nova gives a domain the instance's UUID, a name of its own (`instance-0000002a`) and, as metadata, who
 * owns the instance and what it is made from.
 */
import type { Labels, Meter, Name } from '../metric/index.ts';

/** A guest as OpenStack knows it; '' where its labels do not say. */
export interface Instance {
  /** Its UUID in Nova, or what else it is called by. */
  readonly id: string;
  /** The domain's name: `instance-0000002a`. */
  readonly name: string;
  /** What its owner calls it. */
  readonly displayName: string;
  readonly project: string;
  readonly projectName: string;
  readonly user: string;
  readonly userName: string;
  readonly flavor: string;
  readonly flavorId: string;
  readonly image: string;
}

/** Which labels say it, the first that is there. */
const SAYS: Readonly<Record<keyof Instance, readonly string[]>> = {
  id: ['uuid', 'guest'],
  name: ['domain', 'guest'],
  displayName: ['instance', 'domain', 'guest'],
  project: ['project_id'],
  projectName: ['project'],
  user: ['user_id'],
  userName: ['user'],
  flavor: ['flavor'],
  flavorId: ['flavor_id', 'flavor'],
  image: ['image_id'],
};
const FIELDS = Object.entries(SAYS) as readonly [keyof Instance, readonly string[]][];
const KNOWN: ReadonlySet<string> = new Set(FIELDS.flatMap(([, labels]) => labels));

/** Whether a label is one of those that say who a guest is: they tell no two series of it apart. */
export const saysWho = (label: string): boolean => KNOWN.has(label);

/** The guest that a series is of; `undefined` where it is of none. */
export function instanceOf(labels: Labels): Instance | undefined {
  if (labels['guest'] === undefined) return undefined;
  const entries = FIELDS.map(([field, names]) => {
    const name = names.find((label) => (labels[label] ?? '') !== '');
    return [field, name === undefined ? '' : labels[name]];
  });
  return Object.fromEntries(entries) as Instance;
}

/** What a name is to Ceilometer; one that another dialect gave is a level of its host's. */
export const meterOf = ({ meter, path, series }: Name): Meter =>
  meter ?? { name: path, type: 'gauge', unit: '', of: 'host', resource: series.host };
