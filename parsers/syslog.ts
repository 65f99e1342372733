/**
 * Any log in syslog's forms: lines by severity, facility, program and host.
 *
 * Format  RFC 3164 (`Nov 21 08:38:12 web01 cron[7]: …`), with the time of RFC 3339 as rsyslog writes it,
 *         and RFC 5424; severity and facility where lines have their priority in front, `<34>`.
 * Units   Lines since the report before.
 */
import { count, defineParser, delta, type Line, z } from 'cullinan/plugin';
import { FACILITIES, SEVERITIES } from 'cullinan/wire/syslog';
import { SyslogLine } from 'cullinan/wire/syslog-line';
import { Tally } from 'cullinan/wire/tally';
import { known } from 'cullinan/wire/timestamps';

const options = z.strictObject({
  programs: z.int().min(0).max(10_000).default(50).describe('How many programs to tell apart.'),
  hosts: z
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe('How many hosts to tell apart, in the log of a server that gathers from many.'),
});

const metrics = {
  lines: delta('syslog.lines', { unit: 'count', help: 'Lines.' }),
  severities: delta('syslog.severities', {
    unit: 'count',
    labels: ['severity'],
    help: 'Lines by severity.',
  }),
  facilities: delta('syslog.facilities', {
    unit: 'count',
    labels: ['facility'],
    help: 'Lines by facility.',
  }),
  programs: delta('syslog.programs', {
    unit: 'count',
    labels: ['program'],
    help: 'Lines by program.',
  }),
  hosts: delta('syslog.hosts', { unit: 'count', labels: ['host'], help: 'Lines by host.' }),
};

export default defineParser({
  name: 'syslog',
  summary: 'Any log in syslog’s forms: lines by severity, facility, program and host.',
  source: 'RFC 3164, RFC 5424',
  options,
  journal: 'syslog',
  metrics: () => Object.values(metrics),
  open({ programs, hosts }) {
    const line = new SyslogLine();
    const program = new Tally({ limit: programs || 1, candidates: programs * 4, longest: 64 });
    const host = new Tally({ limit: hosts || 1, candidates: hosts * 4 });
    const priorities = new Float64Array(192);
    let lines = 0;
    let prioritized = false;
    return {
      parse({ bytes }: Line) {
        if (!line.read(bytes)) return false;
        lines += 1;
        const { priority } = line;
        if (priority >= 0) {
          prioritized = true;
          priorities[priority] = (priorities[priority] ?? 0) + 1;
        }
        if (programs > 0) program.add(bytes, line.program, line.programEnd);
        if (hosts > 0) host.add(bytes, line.host, line.hostEnd);
        return true;
      },
      timeOf: ({ bytes }: Line, now = Date.now() / 1000) =>
        line.read(bytes) ? known(line.timeOf(bytes, now)) : undefined,
      *report() {
        yield metrics.lines.observe(count(lines));
        const sum = (chosen: (priority: number) => boolean) =>
          count(priorities.reduce((all, n, priority) => all + (chosen(priority) ? n : 0), 0));
        for (const [code, severity] of prioritized ? SEVERITIES.entries() : []) {
          yield metrics.severities.observe(
            sum((p) => p % 8 === code),
            { severity },
          );
        }
        for (const [code, facility] of prioritized ? FACILITIES.entries() : []) {
          yield metrics.facilities.observe(
            sum((p) => p >> 3 === code),
            { facility },
          );
        }
        for (const [name, n] of program.take()) {
          if (programs > 0) yield metrics.programs.observe(count(n), { program: name });
        }
        for (const [name, n] of host.take()) yield metrics.hosts.observe(count(n), { host: name });
        priorities.fill(0);
        lines = 0;
      },
    };
  },
});
