#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { main } from './program.ts';

// Standard output may be a pipe whose reader has gone (`| head`): that ends the program quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

void main(process.argv.slice(2), {
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void writeSync(2, text),
  outIsTerminal: process.stdout.isTTY === true,
  errIsTerminal: process.stderr.isTTY === true,
}).then((code) => {
  process.exitCode = code;
});
