import { Command, CommanderError, Option } from 'commander';
import { cullCommand } from './cull-command.ts';
import { spelledOut } from './cull-words.ts';
import { failed } from './failed.ts';
import { EXIT, type Io } from './io.ts';
import { version } from './version.ts';

const CONFIG = [
  '-c, --config <file>',
  'configuration file (default: /etc/cullinan/cullinan.yaml)',
] as const;
const DIALECT = ['-d, --dialect <name>', 'names to print', 'otel'] as const;
const JSON_LINES = ['--json', 'one JSON object per line'] as const;
const SOCKET = [
  '--socket <path>',
  'where the agent listens, if the configuration does not say',
] as const;
const RAW = ['--raw', 'counters as they stand instead of rates'] as const;

/** Two examples before anything else: that is what most people look for. */
const EXAMPLES: Readonly<Record<string, readonly [string, string]>> = {
  cullinan: ['cullinan run', 'cullinan once cpu load --json'],
  run: ['cullinan run', 'cullinan run --config ./cullinan.yaml'],
  once: ['cullinan once', 'cullinan once disk network --over 5s --dialect diamond'],
  check: ['cullinan check', 'cullinan check --config ./cullinan.yaml | grep cpu'],
  'diff-names': [
    'cullinan diff-names /var/log/diamond/archive.log',
    'cullinan diff-names /var/lib/graphite/whisper --host web01 --handler graphite',
  ],
  status: ['cullinan status', 'cullinan status --json'],
  top: ['cullinan top', 'cullinan top --sort errors,waiting --every 5s'],
  doctor: ['cullinan doctor', 'cullinan doctor --ntp time.example.net'],
  'support-bundle': ['cullinan support-bundle', 'cullinan support-bundle ./web01.tar.gz'],
  tap: [
    "cullinan tap 'system.cpu.*'",
    "cullinan tap --handler graphite 'label:device=sd*' --count 10",
  ],
  reload: ['cullinan reload', 'cullinan reload --socket /run/cullinan/status.sock'],
  log: ['cullinan log debug --for 10m', 'cullinan log configured'],
  health: ['cullinan health', 'cullinan health --ready'],
  list: ['cullinan list', 'cullinan list --json'],
  describe: ['cullinan describe network', 'cullinan describe config'],
  new: ['cullinan new collector softnet', 'cullinan new handler plain --in ./plugins --js'],
  test: ['cullinan test ./entropy.ts', 'cullinan test ./plain.ts --options "port: PORT"'],
  cull: [
    'cullinan cull -p servers.web01.postfix -o graphite --graphite-host carbon:2003 PostfixLogster /var/log/mail.log',
    'cullinan cull --from-start --dry-run access /var/log/nginx/access.log',
  ],
  import: [
    'cullinan import collectd /etc/collectd/collectd.conf',
    'cullinan import diamond /etc/diamond --output cullinan.yaml',
  ],
  record: ['cullinan record ./my-host', 'cullinan record ./my-host --for 5m --every 10s'],
  replay: ['cullinan replay ./my-host', 'cullinan replay ./my-host --dialect diamond'],
};

/**
 * Runs the command line.
 *
 * @param words the arguments behind the program's name.
 * @returns the exit code, see {@link EXIT}.
 */
export async function main(words: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.ok;
  const { program, cull } = commandLine(io, async (command) => {
    code = await command();
  });
  try {
    const all = words[0] === 'cull' ? spelledOut(words, cull) : words;
    await program.parseAsync(all.length === 0 ? ['help'] : [...all], { from: 'user' });
    return code;
  } catch (error) {
    return refused(error, io);
  }
}

/**
 * Every command, its options and its words.
 *
 * @param does what becomes of a command that is called. Each is loaded only then: the agent that runs for months
 *   holds no other.
 */
export function commandLine(
  io: Io,
  does: (command: () => Promise<number>) => Promise<void>,
): { readonly program: Command; readonly cull: Command } {
  const program = new Command('cullinan')
    .description('Host metrics agent: one measurement, every dialect.')
    .version(version())
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: () => {} })
    .showSuggestionAfterError(true)
    .helpCommand('help [command]', 'explain a command');

  program
    .command('run')
    .description('collect on every tick until it is told to stop; SIGHUP reloads the configuration')
    .option(...CONFIG)
    .action((options) => does(async () => (await import('./run.ts')).run(io, options)));
  program
    .command('once')
    .description('collect now and print')
    .argument('[collector...]', 'all that are enabled, unless named')
    .option(...CONFIG)
    .option(...DIALECT)
    .option(...JSON_LINES)
    .option(...RAW)
    .option(
      '--over <duration>',
      'time between the two readings that rates need; 0s reads once',
      '1s',
    )
    .action((collectors, options) =>
      does(async () => (await import('./once.ts')).once(io, collectors, options)),
    );
  program
    .command('check')
    .description('validate the configuration and show the exact names that would be sent')
    .option(...CONFIG)
    .option('--sample <file>', 'show instead what a parser makes of each line of a log')
    .option('--parser <name>', 'with --sample, which; else those of the collector logs')
    .option(
      '--parser-options <options>',
      "with --parser, its options: logster's, or name: value, …",
    )
    .option('--lines <number>', 'with --sample, how many lines to show one by one', '100')
    .option('--json', 'one JSON object')
    .action((options) =>
      does(async () => {
        if (options.sample === undefined) return (await import('./check.ts')).check(io, options);
        return (await import('./check-sample.ts')).checkSample(io, options.sample, options);
      }),
    );
  program
    .command('diff-names')
    .description('show which names of an old output stay, which go, and which come')
    .argument(
      '<old>',
      "names, a log, XML or a folder of what was there before; '-' is standard input",
    )
    .argument('[new]', 'another of the kind, in place of the names of the configuration')
    .option(...CONFIG)
    .option('--handler <name>', 'whose names, where the configuration has several handlers')
    .option('--format <format>', 'what the old output is, where it is not recognised')
    .option('--new-format <format>', 'the same of the second file')
    .option('--host <name>', 'take this host of the old output, and leave out others')
    .option('--new-host <name>', 'the same of the second file, where it is called otherwise')
    .option('--all', 'each name in a line: = stays, - goes, + comes, < and > other devices')
    .option('--json', 'one JSON object; with --all, one for each name')
    .action((old, second, options) =>
      does(async () => (await import('./diff-names.ts')).diffNames(io, old, second, options)),
    );
  program
    .command('status')
    .description('ask the running agent what has become of its points')
    .option(...CONFIG)
    .option(...SOCKET)
    .option('--json', 'one JSON object')
    .action((options) => does(async () => (await import('./status.ts')).status(io, options)));
  program
    .command('top')
    .description('watch the running agent: its collectors and handlers, sorted')
    .option('--every <duration>', 'time between two looks (default: 2s; 10s where no terminal is)')
    .option('--count <number>', 'end after so many looks (default: 1 where no terminal is)')
    .option('--sort <names>', 'time, series or errors; rate, waiting or failures')
    .option(...CONFIG)
    .option(...SOCKET)
    .action((options) => does(async () => (await import('./top.ts')).top(io, options)));
  program
    .command('doctor')
    .description('look for what is often wrong, and say the remedy; nothing is sent or changed')
    .option('--ntp <host>', 'also compare the clock with that of a time server')
    .option('--user <name>', "look as this user (default: the agent's, where root asks)")
    .option(
      '--carbon-schemas <file>',
      'what a Carbon on this host keeps',
      '/etc/carbon/storage-schemas.conf',
    )
    .addOption(new Option('--here', 'as the user that it is').hideHelp())
    .option(...CONFIG)
    .option(...SOCKET)
    .option(...JSON_LINES)
    .action((options) => does(async () => (await import('./doctor.ts')).doctor(io, options)));
  program
    .command('support-bundle')
    .description('put all that a bug report needs into one file, without secrets')
    .argument('[file]', 'a new .tar.gz; named by host and time, unless said')
    .option(...CONFIG)
    .option(...SOCKET)
    .action((file, options) =>
      does(async () => (await import('./support-bundle.ts')).supportBundle(io, file, options)),
    );
  program
    .command('tap')
    .description('show the points of the running agent as they pass')
    .argument('[pattern...]', 'as in "only": by name, path, collector or label; all, unless named')
    .option('--handler <name>', 'under the names that this handler sends')
    .option('--count <number>', 'end after so many')
    .option(...CONFIG)
    .option(...SOCKET)
    .option(...JSON_LINES)
    .action((patterns, options) =>
      does(async () => (await import('./tap.ts')).tap(io, patterns, options)),
    );
  program
    .command('reload')
    .description('have the running agent load its configuration anew, if it can be loaded')
    .option(...CONFIG)
    .option(...SOCKET)
    .option('--pid <number>', 'where nobody answers, send SIGHUP to this process')
    .action((options) => does(async () => (await import('./reload.ts')).reload(io, options)));
  program
    .command('log')
    .description('show how much the running agent logs, or change it for a while')
    .argument('[level]', 'debug, info, warn, error, or configured')
    .option('--for <duration>', 'until it goes back by itself', '10m')
    .option(...CONFIG)
    .option(...SOCKET)
    .option('--json', 'one JSON object')
    .action((level, options) =>
      does(async () => (await import('./log.ts')).log(io, level, options)),
    );
  program
    .command('health')
    .description('exit with 0 if the running agent lives, for probes')
    .option('--ready', 'only if it also delivers to every handler')
    .option(...CONFIG)
    .option(...SOCKET)
    .option('--json', 'one JSON object')
    .action((options) => does(async () => (await import('./health.ts')).health(io, options)));
  program
    .command('list')
    .description('list the collectors, handlers, parsers and dialects')
    .option(...CONFIG)
    .option('--json', 'one JSON object')
    .action((options) => does(async () => (await import('./list.ts')).list(io, options)));
  program
    .command('describe')
    .description(
      'explain a collector, a handler, a parser or a dialect: options, metrics, an example',
    )
    .argument('<name>', 'as `cullinan list` shows it; config, schema, collector or handler')
    .option(...CONFIG)
    .option('--json', 'one JSON object')
    .option('--markdown', 'a page, as docs/reference has it of the built-in ones')
    .action((name, options) =>
      does(async () => {
        const { paths } = await (await import('./plugins.ts')).bringPlugins(io, options.config);
        return (await import('./describe.ts')).describe(io, name, options, paths);
      }),
    );
  program
    .command('new')
    .description('begin a plugin of your own: one that works, with its tests, to be changed')
    .argument('<kind>', 'collector, handler or parser')
    .argument('<name>', 'what it is called in the configuration')
    .option('--in <folder>', 'where to', '.')
    .option('--js', 'in JavaScript; else in TypeScript')
    .action((kind, name, options) =>
      does(async () => (await import('./new.ts')).create(io, kind, name, options)),
    );
  program
    .command('test')
    .description('hold a plugin of your own to what the built-in ones are held to')
    .argument('<file>', 'a collector, a handler or a parser, in TypeScript or JavaScript')
    .option('--options <options>', 'its options: name: value, …; PORT stands for a peer’s port')
    .option(
      '--fixtures <folder>',
      'recordings, logs and golden files (default: beside it, <name>.test)',
    )
    .option('--update', 'write the golden files anew')
    .action((file, options) =>
      does(async () => (await import('./test.ts')).test(io, file, options)),
    );
  program
    .command('import')
    .description("make a configuration out of another agent's")
    .argument('<from>', 'diamond, collectd, gmond, logster, statsd or telegraf')
    .argument('<path...>', 'its configuration; of logster a crontab or a command line')
    .option('-o, --output <file>', 'where to, with passwords; else it is printed, without them')
    .option('--force', 'write over a file that is there')
    .action((from, words, options) =>
      does(async () => (await import('./import.ts')).importFrom(io, from, words, options)),
    );
  program
    .command('record')
    .description('keep what the collectors read, for a bug report or a test')
    .argument('<directory>', 'new, empty, or a recording of this host to add to')
    .option(...CONFIG)
    .option('--for <duration>', 'how long', '30s')
    .option('--every <duration>', 'time between two moments', '10s')
    .action((directory, options) =>
      does(async () => (await import('./record.ts')).record(io, directory, options)),
    );
  program
    .command('replay')
    .description('run over a recording, as fast as possible, with the recorded times')
    .argument('<directory>', 'a recording')
    .option(...CONFIG)
    .option(...DIALECT)
    .option(...JSON_LINES)
    .option(...RAW)
    .option('--send', 'send to the handlers of --config instead of printing')
    .action((directory, options) =>
      does(async () => (await import('./replay.ts')).replay(io, directory, options)),
    );
  const cull = cullCommand(program, (parser, files, options) =>
    does(async () => (await import('./cull.ts')).cull(io, parser, files, options)),
  );

  for (const command of [program, ...program.commands]) {
    const examples = EXAMPLES[command.name()] ?? [];
    if (examples.length > 0)
      command.addHelpText('before', `Examples:\n  ${examples.join('\n  ')}\n`);
  }
  return { program, cull };
}

/** The examples of a command, or of the program itself. */
export const examplesOf = (name: string): readonly string[] => EXAMPLES[name] ?? [];

/** An error of the command line itself; the rest is not ours. */
function refused(error: unknown, io: Io): number {
  if (!(error instanceof CommanderError)) return failed(error, io);
  if (error.exitCode === 0) return EXIT.ok;
  // `help` and the name of no command.
  if (error.code === 'commander.help') {
    io.err('cullinan: there is no such command\nTry: cullinan help\n');
    return EXIT.usage;
  }
  io.err(`cullinan: ${error.message.replace(/^error: /, '')}\nTry: cullinan help\n`);
  return EXIT.usage;
}
