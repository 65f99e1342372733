import { expression, quoted } from '../patterns.ts';
import type { Plugin } from './plugin.ts';

/** A group of the collector process, out of what tells the processes. */
export function procstat(plugin: Plugin): readonly string[] {
  const at = ['collectors', 'process'];
  const name =
    plugin.text('prefix') ||
    plugin.text('exe') ||
    plugin.text('pattern') ||
    plugin.text('systemd_unit') ||
    plugin.text('cgroup') ||
    'group';
  const plain =
    name
      .replace(/[^\w-]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 60) || 'group';
  let called = plain;
  for (let i = 2; plugin.draft.has([...at, 'groups', called]); i += 1) called = `${plain}-${i}`;
  const group = [...at, 'groups', called];
  const pattern = (key: string, option: string, made: string | undefined): void => {
    if (plugin.given(key) === undefined) return;
    if (made === undefined || made === '')
      plugin.leave('this is no regular expression that can be carried over', key);
    else plugin.draft.set([...group, option], [made], plugin.lines(key));
  };
  pattern('exe', 'name', expression(plugin.text('exe') ?? ''));
  pattern('pattern', 'cmdline', expression(plugin.text('pattern') ?? ''));
  const unit = plugin.text('systemd_unit');
  pattern(
    'systemd_unit',
    'cgroup',
    unit === undefined ? undefined : `/${quoted(unit.includes('.') ? unit : `${unit}.service`)}$`,
  );
  const cgroup = plugin.text('cgroup');
  pattern(
    'cgroup',
    'cgroup',
    cgroup === undefined || /[*?[]/.test(cgroup)
      ? undefined
      : `${quoted(cgroup.replace(/^\/sys\/fs\/cgroup(?:\/systemd)?/, ''))}$`,
  );
  plugin.carry('prefix');
  plugin.leave(
    'processes are chosen by name, exe, cmdline or cgroup: a pid file is not read',
    'pid_file',
  );
  plugin.leave('processes are not chosen by their user', 'user');
  plugin.leave(
    'a group is one: what its processes use is added up',
    'pid_tag',
    'cmdline_tag',
    'tag_with',
    'process_name',
    'pid_finder',
  );
  if (plugin.draft.has(group)) return ['process'];
  plugin.leaveRest('nothing of it says which processes in a way that could be carried over');
  return [];
}
