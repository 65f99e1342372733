/**
 * What a program of yours says, in any language, in the form of the agent that it was written for.
 *
 * Source  The standard output of a command: run at each tick, or once for as long as the agent runs. No shell is
 *         between; it has a process group of its own, which is killed at the deadline with all that is in it.
 * Units   Those that the form has: base units for monitoring plugins and Prometheus' names, else numbers.
 * Access  That of the agent's user, or of `user`, for which the agent must be allowed to change users: see docs/exec.md.
 */
import { defineCollector, dottedName, duration, size, wholePath, z } from 'cullinan/plugin';
import {
  LINE_FORMATS,
  openProgram,
  type ProgramOptions,
  percentilesOption,
  seriesOption,
  typesOption,
} from 'cullinan/programs';

const word = z.string().regex(/^[^\0]*$/, 'must not have a NUL in it');
const account = z.string().regex(/^[\w.][\w.$-]*$/, 'must be the name or the number of an account');

const options = z
  .strictObject({
    command: z
      .array(word)
      .default([])
      .describe(
        'The program and its words: `[/usr/lib/nagios/plugins/check_load, -w, "5,4,3"]`. No shell reads them.',
      ),
    format: z
      .enum([...LINE_FORMATS, 'nagios', 'munin'])
      .default('plain')
      .describe(
        'What it says: `plain` is `name value [time]`, as Diamond’s user scripts do; `collectd` PUTVAL and PUTNOTIF; `nagios` a monitoring plugin; `influx` what Telegraf’s execd takes; `prometheus` text or OpenMetrics.',
      ),
    persistent: z.boolean().optional().meta({
      description:
        'Whether it runs as long as the agent does, and is started again when it ends; else at each tick.',
      fallback: 'true for collectd and netdata, else false',
    }),
    trigger: z.enum(['stdin', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']).optional().meta({
      description:
        'How a persistent program is asked at each tick: by an empty line on its standard input, or by a signal.',
      fallback: 'it is not asked, and speaks when it likes',
    }),
    silence: duration({ least: '1s' }).optional().meta({
      description:
        'A persistent program that has said nothing for so long is killed and started again.',
      fallback: 'it may be silent for ever',
    }),
    as: dottedName().optional().meta({
      description: 'What stands before its names; for nagios and munin, what the plugin is called.',
      fallback: 'nothing; for nagios and munin the name of its file',
    }),
    user: account.optional().meta({
      description: 'Whom it runs as.',
      fallback: 'the agent’s user',
    }),
    group: account.optional().meta({
      description: 'Which group it runs as.',
      fallback: 'the first group of `user`',
    }),
    folder: wholePath().default('/').describe('Where it runs.'),
    environment: z
      .record(z.string().regex(/^[^=\0]+$/, 'must be the name of a variable'), word)
      .default({})
      .describe('Variables of its environment, beside PATH, HOME, LANG, TZ and what its form has.'),
    memory: size().optional().meta({
      description:
        'Address space that each of its processes may have (RLIMIT_AS). Programs in Go or Java, and Node, reserve far more than they use.',
      fallback: 'no bound',
    }),
    output: size().prefault('4MiB').describe('What one run may say; with more it is killed.'),
    series: seriesOption(),
    types: typesOption(),
    percentiles: percentilesOption(),
  })
  .superRefine(({ command, user, group, format, persistent, trigger }, { addIssue }) => {
    const bad = (key: string, message: string) =>
      addIssue({ code: 'custom', path: [key], message });
    if (command[0] === '') bad('command', 'must begin with a program');
    if (group !== undefined && user === undefined) bad('group', 'needs user beside it');
    if (user !== undefined && /^\d+$/.test(user) && group === undefined) {
      bad('user', 'needs group beside it where it is a number');
    }
    const whole = format === 'nagios' || format === 'munin';
    if (persistent === true && whole) bad('persistent', `must not be true for ${format}`);
    const stays = persistent ?? (format === 'collectd' || format === 'netdata');
    if (trigger !== undefined && !stays) bad('trigger', 'needs persistent: true beside it');
  })
  .transform(({ silence, ...given }): ProgramOptions => {
    return { ...given, silence: silence === undefined ? undefined : silence * 1000 };
  });

export default defineCollector({
  name: 'exec',
  summary: 'What a program of yours says, in the form of the agent that it was written for.',
  source: 'the standard output of a command',
  enabled: false,
  foreign: true,
  options,
  metrics: {},
  open: openProgram,
});
