import { Foreseen } from '../plugin/index.ts';

/** What stands in the place of a path: `journal:`, or `journal:unit=ssh.service,identifier=sshd`. */
const PREFIX = 'journal:';

/** Which of the journal's entries are read. */
export interface JournalQuery {
  /** journalctl's flags that say which journal. */
  readonly journal: readonly string[];
  /** journalctl's flags that say which of its entries; none for all of them. */
  readonly entries: readonly string[];
}

/** What a word of a query is for journalctl. */
const FLAGS: Readonly<Record<string, keyof JournalQuery>> = {
  unit: 'entries',
  identifier: 'entries',
  directory: 'journal',
  namespace: 'journal',
};

/** Whether this is the journal, and no path of a file. */
export const isJournal = (path: string): boolean => path.startsWith(PREFIX);

/**
 * Which entries a name of the journal asks for. A word that comes several times is any of its values, as
 * with journalctl.
 *
 * @throws {@link Foreseen} for what it cannot ask for.
 */
export function journalQuery(path: string): JournalQuery {
  const query = { journal: [] as string[], entries: [] as string[] };
  const fields: string[] = [];
  const words = path.slice(PREFIX.length).split(',');
  for (const word of words.length === 1 && words[0] === '' ? [] : words) {
    const [, key = '', value = ''] = /^(\w+)=(.+)$/s.exec(word) ?? [];
    const kind = FLAGS[key];
    if (kind !== undefined) query[kind].push(`--${key}=${value}`);
    else if (/^[A-Z_][A-Z0-9_]*$/.test(key)) fields.push(word);
    else {
      throw new Foreseen(
        `${path}: "${word}" is nothing that the journal can be asked for. It is ${PREFIX} and, with commas ` +
          'between them, unit=, identifier=, directory=, namespace= or a FIELD= of the journal: ' +
          `${PREFIX}unit=ssh.service,unit=cron.service`,
      );
    }
  }
  return { journal: query.journal, entries: [...query.entries, ...fields] };
}

/** What it is called among other logs: what it is asked for, or `journal`. */
export const journalName = (path: string): string =>
  path
    .slice(PREFIX.length)
    .split(',')
    .map((word) => word.slice(word.indexOf('=') + 1))
    .join('-') || 'journal';
