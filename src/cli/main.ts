#!/usr/bin/env node
import { main } from './program.ts';
import { talk } from './talk.ts';

// Standard output may be a pipe whose reader has gone (`| head`). That ends every command quietly but
// `run`: there the console handler deals with it, and other handlers go on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (process.argv[2] !== 'run') process.exit(0);
});

void main(process.argv.slice(2), {
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: talk,
  outIsTerminal: process.stdout.isTTY === true,
  errIsTerminal: process.stderr.isTTY === true,
}).then((code) => {
  process.exitCode = code;
});
