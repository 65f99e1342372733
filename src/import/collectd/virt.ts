import type { Value } from '../draft.ts';
import type { Asked } from './asked.ts';
import type { Block } from './block.ts';

/** Options that only say what is sent, by the names that both have. */
function speak(asked: Asked, plugin: string, values: Record<string, Value>): void {
  asked.dialect.set(plugin, { ...asked.dialect.get(plugin), ...values });
}

const FORMATS = /^(name|uuid|hostname|metadata)$/;

/** Guests of libvirt's, as the plugin virt tells of them. */
export function virt(block: Block, asked: Asked): void {
  const { draft } = block;
  const at = ['collectors', 'libvirt'];
  block.put([...at, 'uri'], 'Connection', block.text('Connection'));
  // biome-ignore format: pairs of names
  for (const [key, ours] of [['Domain', 'guests'], ['BlockDevice', 'disks'], ['InterfaceDevice', 'interfaces']] as const) {
    if (block.find(key) !== undefined) draft.set([...at, ours], block.selection(key), block.lines(key));
  }
  draft.carry(block.lines('IgnoreSelected'));
  const words = (key: string): string[] =>
    (block.find(key)?.values.join(' ') ?? '').split(/\s+/).filter((it) => FORMATS.test(it));
  const host = words('HostnameFormat');
  if (host.length > 0) speak(asked, 'virt', { hostnameFormat: host });
  const instance = words('PluginInstanceFormat');
  if (instance.length > 0) speak(asked, 'virt', { pluginInstanceFormat: instance });
  draft.carry(block.lines('HostnameFormat', 'PluginInstanceFormat'));
  const labels = [...host, ...instance].flatMap((word) =>
    word === 'uuid' ? ['uuid'] : word === 'metadata' ? ['instance'] : [],
  );
  if (labels.length > 0) draft.set([...at, 'labels'], [...new Set(labels)]);
  block.leave(
    'labels: { instance: "metadata/app:facts/app:host" } names it: docs/dialects/collectd.md',
    'HostnameMetadataNS',
    'HostnameMetadataXPath',
  );
  const name = { name: 'target', address: 'address', number: 'number' };
  const called = block.text('InterfaceFormat') ?? '';
  block.put(
    [...at, 'interfaceName'],
    'InterfaceFormat',
    Object.hasOwn(name, called) ? name[called as keyof typeof name] : undefined,
  );
  block.put([...at, 'diskName'], 'BlockDeviceFormat', block.text('BlockDeviceFormat'));
  const base = block.truth('BlockDeviceFormatBasename');
  if (base !== undefined) speak(asked, 'virt', { blockDeviceFormatBasename: base });
  draft.carry(block.lines('BlockDeviceFormatBasename'));
  const known =
    /^(cpu_util|disk|domain_state|memory|pcpu|perf|vcpu|disk_(allocation|capacity|physical))$/;
  const extra = (block.find('ExtraStats')?.values.join(' ') ?? '')
    .split(/\s+/)
    .filter((it) => it !== '');
  const missing = extra.filter((it) => !known.test(it));
  if (extra.length > 0) {
    speak(asked, 'virt', { extraStats: extra.filter((it) => known.test(it)) });
  }
  block.expect(
    'ExtraStats',
    missing.length === 0,
    `there is no ${missing.join(', ')}; the others are carried over`,
  );
  const stats = ['cpu', 'balloon', 'vcpu', 'interface', 'block'].filter(
    (it) =>
      !(it === 'block' && block.truth('ReportBlockDevices') === false) &&
      !(it === 'interface' && block.truth('ReportNetworkInterfaces') === false),
  );
  if (extra.includes('perf')) stats.push('perf');
  draft.set([...at, 'stats'], stats, block.lines('ReportBlockDevices', 'ReportNetworkInterfaces'));
  draft.set([...at, 'inactive'], false);
  draft.set([...at, 'totals'], false);
  block.leave(
    'guests and devices are new at every tick',
    'RefreshInterval',
    'Instances',
    'PersistentNotification',
  );
}
