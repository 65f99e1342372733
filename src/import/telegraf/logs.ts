import type { Plugin } from './plugin.ts';

/** Grok's patterns that a parser of ours reads. */
const GROK: Readonly<Record<string, string>> = {
  '%{COMBINED_LOG_FORMAT}': 'access',
  '%{COMMON_LOG_FORMAT}': 'access',
};
const FORMATS: Readonly<Record<string, string>> = {
  json: 'json-lines',
  json_v2: 'json-lines',
  logfmt: 'logfmt',
  syslog: 'syslog',
};

/** Files of the collector logs, where one of its parsers reads what Telegraf's does. */
export function logs(plugin: Plugin): readonly string[] {
  const at = ['collectors', 'logs'];
  const grok = ['grok.patterns', 'grok_patterns'].find((key) => plugin.given(key) !== undefined);
  const patterns = grok === undefined ? undefined : plugin.list(grok);
  const format = plugin.text('data_format');
  const parser =
    patterns?.length === 1
      ? GROK[patterns[0] ?? '']
      : patterns === undefined
        ? FORMATS[format ?? '']
        : undefined;
  const files = plugin.list('files');
  if (files === undefined || files.length === 0 || parser === undefined) {
    plugin.leaveRest(
      'no parser here reads what this says: cullinan list has them, and the parser regex takes expressions of your own (docs/logs.md)',
    );
    return [];
  }
  const start =
    plugin.flag('from_beginning') === true || plugin.text('initial_read_offset') === 'beginning';
  const from = plugin.lines('files', ...(grok === undefined ? [] : [grok]), 'data_format');
  for (const path of files) {
    const file = {
      path: path.replaceAll('**', '*'),
      parser,
      // Logs of one parser are told apart by a label.
      labels: { log: path },
      ...(start ? { from: 'start' } : {}),
    };
    const comment = path.includes('**')
      ? 'A glob goes into one folder: ** was written as *.'
      : undefined;
    plugin.draft.append([...at, 'files'], file, from, comment);
  }
  plugin.carry('from_beginning', 'initial_read_offset', 'watch_method');
  if (plugin.flag('pipe') === false) plugin.carry('pipe');
  plugin.leave('a measurement is what the parser calls it', 'grok.measurement', 'name_override');
  plugin.draft.carry(plugin.header);
  plugin.draft.note(
    [...at, 'files'],
    'Numbers of what the lines say; Telegraf sent each line as a point.',
  );
  return ['logs'];
}
