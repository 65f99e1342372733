/**
 * A name in the one form in which names of all formats are compared: `<host>` where the host stands,
 * labels sorted and without those that only say who observed.
 */

/** What stands for the host, whatever it is called. */
export const HOST = '<host>';

/** Labels that name the host, or who asked it. */
const OF_HOST = new Set(['host', 'hostname', 'instance', 'job', 'node_name']);

/** Labels whose values are devices of one host, by which two hosts differ without differing in kind. */
const OF_DEVICE = new Set([
  ...[
    'device',
    'cpu',
    'mountpoint',
    'path',
    'interface',
    'name',
    'volume',
    'label',
    'disk',
    'vcpu',
  ],
  ...['chip', 'sensor', 'supply', 'domain', 'uuid', 'guest', 'node', 'zone', 'feature'],
]);

/** Whether a label's values are things that another host has others of. */
export const isDevice = (label: string): boolean => OF_DEVICE.has(label);

/** `name{label="value",…}` of a metric, in the order of the labels; without labels the name alone. */
export function labelled(name: string, labels: Iterable<readonly [string, string]>): string {
  const kept = [...labels].filter(([label]) => !OF_HOST.has(label));
  if (kept.length === 0) return name;
  kept.sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name}{${kept.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`;
}

/** The same with Graphite's tags, of which `host` is one: `path;tag=value`. */
export function untagged(path: string): string {
  const [name = '', ...tags] = path.split(';');
  return labelled(
    name,
    tags.map((tag) => {
      const at = tag.indexOf('=');
      return at < 0 ? [tag, ''] : [tag.slice(0, at), tag.slice(at + 1)];
    }),
  );
}

/** Names of devices that the kernel gives; what surrounds them belongs to the kind. */
const DEVICE = new RegExp(
  `(?<![A-Za-z0-9])(?:${[
    ...[
      'x?vd[a-z]{1,2}\\d*',
      'sd[a-z]{1,2}\\d*',
      'hd[a-z]\\d*',
      'nvme\\d+(?:c\\d+)?n\\d+(?:p\\d+)?',
    ],
    ...['mmcblk\\d+(?:p\\d+)?', 'dm-\\d+', 'md\\d+', 'loop\\d+', 'ram\\d+', 'sr\\d+', 'zd\\d+'],
    ...[
      '[nr]bd\\d+',
      'eth\\d+',
      'en[opsx][a-z0-9]*\\d[a-z0-9]*',
      'em\\d+',
      'p\\d+p\\d+',
      'bond\\d+',
    ],
    ...['br\\d+', 'br-[0-9a-f]{12}', 'wl[a-z0-9]*\\d[a-z0-9]*', 'veth[a-z0-9]+', 'vnet\\d+', 'lo'],
    ...['tap[a-z0-9]*\\d[a-z0-9-]*', 'tun\\d+', 'virbr\\d+(?:-nic)?', 'docker\\d+', 'ib\\d+'],
  ].join('|')})(?![A-Za-z0-9])`,
  'g',
);
/** A CPU by its number: `cpu0`, collectd's `cpu-0`. */
const CPU = /(?<![A-Za-z0-9])(v?cpu-?)\d+(?![A-Za-z0-9])/g;
/** The value of a label that names a device. */
const LABEL = /([{,])([A-Za-z_]\w*)="(?:[^"\\]|\\.)*"/g;

/** What kind of name it is: the same for two that differ in a device whose name is well known. */
export function kindOf(name: string): string {
  const brace = name.indexOf('{');
  const path = brace < 0 ? name : name.slice(0, brace);
  const kind = path.replace(CPU, '$1*').replace(DEVICE, '*');
  if (brace < 0) return kind;
  const labels = name
    .slice(brace)
    .replace(LABEL, (all, before: string, label: string) =>
      isDevice(label) ? `${before}${label}="*"` : all,
    );
  return kind + labels;
}
