import type { Io } from './io.ts';
import { talk } from './talk.ts';

const words = process.argv.slice(2);
// As it is now: `cullinan test` keeps plugins from calling it.
const { exit } = process;

// Before the rest is even loaded: a reload asked of an agent that is still starting must not kill it.
// It starts with the configuration as it is anyway.
if (words[0] === 'run') process.on('SIGHUP', () => {});

// Standard output may be a pipe whose reader has gone (`| head`). That ends every command quietly but
// `run`: there the console handler deals with it, and other handlers go on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (words[0] === 'run') return;
  if (error.code === 'EPIPE') exit(0);
  talk(`cullinan: standard output cannot be written: ${error.message}\n`);
  exit(1);
});

const io: Io = {
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  outDone: () => new Promise((resolve) => void process.stdout.write('', () => resolve())),
  err: talk,
  outIsTerminal: process.stdout.isTTY === true,
  errIsTerminal: process.stderr.isTTY === true,
};

/**
 * The options of a `run` that is written as units and scripts write it. It needs no parser of command
 * lines, which an agent would hold for months.
 */
function plainRun([command, option, config, ...others]: readonly string[]) {
  if (command !== 'run' || others.length > 0) return undefined;
  if (option === undefined) return {};
  const named = (option === '--config' || option === '-c') && config?.startsWith('-') === false;
  return named ? { config } : undefined;
}

async function main(): Promise<number> {
  const options = plainRun(words);
  if (options === undefined) return (await import('./program.ts')).main(words, io);
  try {
    return await (await import('./run.ts')).run(io, options);
  } catch (error) {
    return (await import('./failed.ts')).failed(error, io);
  }
}

/** Milliseconds for what may still hold a run that has ended: a thread on a disk that hangs, a timer of a plugin under test. */
const LINGER = 2000;
const LINGERING = ['run', 'cull', 'test'];

void main().then((code) => {
  process.exitCode = code;
  if (LINGERING.includes(words[0] ?? '')) setTimeout(() => process.exit(code), LINGER).unref();
});
