import { membersOf, type Settings } from './settings.ts';

/** How often, and on what clock. */
export function interval(it: Settings): void {
  const flush = it.take<number>('flushInterval', 'number');
  if (flush === undefined) return;
  const { value, line } = flush;
  if (value < 100) it.draft.leave(line, 'cullinan’s interval is at least 100 ms');
  else {
    it.draft.set(
      ['interval'],
      value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`,
      line,
      'flushInterval; cullinan’s falls on its multiples on the clock',
    );
  }
}

/** What is logged. */
export function log(it: Settings): void {
  const log = it.get('log');
  for (const { name, value, line: at, text } of membersOf(log)) {
    const line = it.draft.line(it.file, at, text);
    const level = /^LOG_(DEBUG|INFO|WARNING|ERR)$/.exec(String(value))?.[1];
    const known = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERR: 'error' };
    if (name === 'level' && level !== undefined)
      it.draft.set(['log', 'level'], known[level as keyof typeof known], line);
    else if (name === 'backend' && value === 'stdout') it.draft.carry(line);
    else
      it.draft.leave(line, 'cullinan logs to standard error, which systemd keeps under its name');
  }
  if (log !== undefined && membersOf(log).length > 0) it.draft.carry(log.line);
  const debug = it.take<boolean>('debug', 'boolean');
  if (debug?.value === true) it.draft.set(['log', 'level'], 'debug', debug.line);
  else it.draft.carry(debug?.line);
}

/** Names that are put right. */
export function keys(it: Settings): void {
  const sanitize = it.take<boolean>('keyNameSanitize', 'boolean');
  if (sanitize?.value === true) it.draft.carry(sanitize.line);
  else if (sanitize !== undefined)
    it.draft.leave(sanitize.line, 'cullinan always makes names that the other side can take');
}
