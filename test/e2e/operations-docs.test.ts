import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cullinan } from '../support/program.ts';
import { RunningAgent } from '../support/running.ts';

const PAGE = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const COMMANDS = [...PAGE.matchAll(/^\$ cullinan (.*)$/gm)].map(([, words = '']) => words);

/** As a shell divides it. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

let carbon: Server;
let agent: RunningAgent;
beforeAll(async () => {
  carbon = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(carbon, 'listening');
  const { port } = carbon.address() as AddressInfo;
  agent = new RunningAgent({ graphite: `{ host: 127.0.0.1, port: ${port} }` });
  await agent.ticks(2);
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  carbon.close();
});

test('there are commands on the page', () => expect(COMMANDS.length).toBeGreaterThan(9));

test.each(COMMANDS)('cullinan %s', async (line) => {
  const words = [...wordsOf(line), '--socket', agent.socket];
  const { code, stdout, stderr } = await cullinan(words);
  // What the machine of the test has wrong is its own.
  const wrong = line.startsWith('doctor') && /PROBLEM|"problem"/.test(stdout);
  expect(code, stderr).toBe(wrong ? 1 : 0);
  expect(stdout).not.toBe('');
  if (line === 'support-bundle') await rm(stdout.trim());
});
