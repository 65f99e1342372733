import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/index.ts';
import { check } from './check.ts';
import { describe } from './describe.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { list } from './list.ts';
import { once } from './once.ts';
import { record } from './record.ts';
import { replay } from './replay.ts';
import { run } from './run.ts';
import { version } from './version.ts';

const CONFIG = [
  '-c, --config <file>',
  'configuration file (default: /etc/cullinan/cullinan.yaml)',
] as const;
const DIALECT = ['-d, --dialect <name>', 'names to print', 'otel'] as const;
const JSON_LINES = ['--json', 'one JSON object per line'] as const;
const RAW = ['--raw', 'counters as they stand instead of rates'] as const;

const INTRODUCTION = `Examples:
  cullinan run                     watch this host, or send its metrics where the configuration says
  cullinan once cpu load --json    collect now and print
`;

/**
 * Runs the command line.
 *
 * @param words the arguments behind the program's name.
 * @returns the exit code: 0 fine, 64 usage, 78 configuration, 1 the rest.
 */
export async function main(words: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.ok;
  const does = async (work: number | Promise<number>): Promise<void> => {
    code = await work;
  };
  const program = new Command('cullinan')
    .description(`Host metrics agent: one measurement, every dialect.\n\n${INTRODUCTION}`)
    .version(version())
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: () => {} })
    .showSuggestionAfterError(true)
    .helpCommand('help [command]', 'explain a command');

  program
    .command('run')
    .description('collect on every tick until it is told to stop; SIGHUP reloads the configuration')
    .option(...CONFIG)
    .action((options) => does(run(io, options)));
  program
    .command('once')
    .description('collect now and print')
    .argument('[collector...]', 'all that are enabled, unless named')
    .option(...CONFIG)
    .option(...DIALECT)
    .option(...JSON_LINES)
    .option(...RAW)
    .option('--over <duration>', 'time between the two readings that rates need', '1s')
    .action((collectors, options) => does(once(io, collectors, options)));
  program
    .command('check')
    .description('validate the configuration and show the exact names that would be sent')
    .option(...CONFIG)
    .option('--json', 'one JSON object')
    .action((options) => does(check(io, options)));
  program
    .command('list')
    .description('list the collectors, handlers and dialects')
    .option('--json', 'one JSON object')
    .action((options) => does(list(io, options)));
  program
    .command('describe')
    .description('explain a collector, a handler or a dialect: options, metrics, an example')
    .argument('<name>', 'as `cullinan list` shows it')
    .option('--json', 'one JSON object')
    .action((name, options) => does(describe(io, name, options)));
  program
    .command('record')
    .description('keep what the collectors read, for a bug report or a test')
    .argument('<directory>', 'new or empty')
    .option(...CONFIG)
    .option('--for <duration>', 'how long', '30s')
    .option('--every <duration>', 'time between two moments', '10s')
    .action((directory, options) => does(record(io, directory, options)));
  program
    .command('replay')
    .description('run over a recording, as fast as possible, with the recorded times')
    .argument('<directory>', 'a recording')
    .option(...CONFIG)
    .option(...DIALECT)
    .option(...JSON_LINES)
    .option(...RAW)
    .action((directory, options) => does(replay(io, directory, options)));

  try {
    await program.parseAsync(words.length === 0 ? ['help'] : [...words], { from: 'user' });
    return code;
  } catch (error) {
    return failed(error, io);
  }
}

function failed(error: unknown, io: Io): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    io.err(`cullinan: ${error.message.replace(/^error: /, '')}\nTry: cullinan help\n`);
    return EXIT.usage;
  }
  if (error instanceof UsageError) {
    io.err(`cullinan: ${error.message}\n`);
    return EXIT.usage;
  }
  if (error instanceof ConfigError) {
    io.err(`cullinan: ${error.message}\n`);
    return EXIT.configuration;
  }
  const expected = error instanceof Error && !('stack' in error && error.name === 'TypeError');
  io.err(
    `cullinan: ${expected ? (error as Error).message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  return EXIT.failure;
}
