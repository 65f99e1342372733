import { talk } from './talk.ts';

const words = process.argv.slice(2);

// Before the rest is even loaded: a reload asked of an agent that is still starting must not kill it.
// It starts with the configuration as it is anyway.
if (words[0] === 'run') process.on('SIGHUP', () => {});

// Standard output may be a pipe whose reader has gone (`| head`). That ends every command quietly but
// `run`: there the console handler deals with it, and other handlers go on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (words[0] === 'run') return;
  if (error.code === 'EPIPE') process.exit(0);
  talk(`cullinan: standard output cannot be written: ${error.message}\n`);
  process.exit(1);
});

void import('./program.ts')
  .then(({ main }) =>
    main(words, {
      environment: process.env,
      out: (text) => void process.stdout.write(text),
      err: talk,
      outIsTerminal: process.stdout.isTTY === true,
      errIsTerminal: process.stderr.isTTY === true,
    }),
  )
  .then((code) => {
    process.exitCode = code;
  });
