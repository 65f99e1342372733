/**
 * The journal of systemd: entries by severity, unit and program.
 *
 * Format  An entry a line, as `journalctl -o json` writes them.
 * Units   Entries since the report before.
 */
import { count, defineParser, delta, type Line, recordTime, z } from 'cullinan/plugin';
import { SEVERITIES } from 'cullinan/wire/syslog';
import { Tally } from 'cullinan/wire/tally';

const options = z.strictObject({
  units: z.int().min(0).max(10_000).default(50).describe('How many units to tell apart.'),
  programs: z.int().min(0).max(10_000).default(50).describe('How many programs to tell apart.'),
});

const metrics = {
  severities: delta('journald.lines', {
    unit: 'count',
    labels: ['severity'],
    help: 'Entries by severity; `none` where the journal has none.',
  }),
  units: delta('journald.units', { unit: 'count', labels: ['unit'], help: 'Entries by unit.' }),
  programs: delta('journald.programs', {
    unit: 'count',
    labels: ['program'],
    help: 'Entries by program.',
  }),
};

type Entry = Readonly<Record<string, unknown>>;

/** Fields that are no text, because their bytes are no UTF-8, are lists of bytes: they have no name. */
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

function entryOf({ text }: Line): Entry | undefined {
  try {
    const entry: unknown = JSON.parse(text);
    return typeof entry === 'object' && entry !== null && '__CURSOR' in entry
      ? (entry as Entry)
      : undefined;
  } catch {
    return undefined;
  }
}

export default defineParser({
  name: 'journald',
  summary: 'The journal of systemd, as journalctl -o json writes it: by severity, unit, program.',
  source: 'systemd, systemd.journal-fields(7)',
  options,
  journal: ['PRIORITY', '_SYSTEMD_UNIT', 'SYSLOG_IDENTIFIER', '_COMM'],
  metrics: () => Object.values(metrics),
  needles: () => ['__CURSOR'],
  open({ units, programs }) {
    const severity = new Tally({ limit: SEVERITIES.length + 1 });
    const unit = new Tally({ limit: units || 1, candidates: units * 4 });
    const program = new Tally({ limit: programs || 1, candidates: programs * 4 });
    return {
      parse(line: Line) {
        const entry = entryOf(line);
        if (entry === undefined) return false;
        severity.addText(SEVERITIES[Number(textOf(entry['PRIORITY']) ?? -1)] ?? 'none');
        if (units > 0) unit.addText(textOf(entry['_SYSTEMD_UNIT']) ?? 'none');
        const name = textOf(entry['SYSLOG_IDENTIFIER']) ?? textOf(entry['_COMM']);
        if (programs > 0) program.addText(name ?? 'none');
        return true;
      },
      timeOf: (line: Line) => recordTime(entryOf(line)?.['__REALTIME_TIMESTAMP']),
      *report() {
        for (const [name, n] of severity.take()) {
          yield metrics.severities.observe(count(n), { severity: name });
        }
        for (const [name, n] of unit.take()) yield metrics.units.observe(count(n), { unit: name });
        for (const [name, n] of program.take()) {
          yield metrics.programs.observe(count(n), { program: name });
        }
      },
    };
  },
});
