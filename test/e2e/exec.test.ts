import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratch } from '../support/agent.ts';
import { cullinan, PROGRAM } from '../support/program.ts';

/** What `once` prints of a program, whoever runs the agent. */
async function once1(
  options: Readonly<Record<string, unknown>>,
  before: readonly string[] = [],
): Promise<Record<string, number>> {
  const folder = scratch();
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'none'));
  const config = join(folder, 'cullinan.yaml');
  const it = JSON.stringify({ type: 'exec', enabled: true, ...options });
  writeFileSync(
    config,
    `plugins: { folders: [${folder}/none] }\ncollectors:\n  default: { enabled: false }\n  it: ${it}\n`,
  );
  const words = [PROGRAM, 'once', '--raw', '--config', config, '--dialect', 'otel'];
  const [program = process.execPath, ...rest] = [...before, process.execPath, ...words];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  let complained = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complained += text;
  });
  await once(child, 'close');
  const lines = said
    .trim()
    .split('\n')
    .filter((line) => line !== '');
  if (lines.length === 0) throw new Error(complained);
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', value] = line.split(' ');
      return [name, Number(value)];
    }),
  );
}

const WHO = [
  '/bin/sh',
  '-c',
  'echo "uid $(id -u)"; echo "rights $((0x$(sed -n "s/^CapPrm:.//p" /proc/self/status)))"; echo "inherited $((0x$(sed -n "s/^CapAmb:.//p" /proc/self/status)))"',
];

test('once runs a program and prints what it says', async () => {
  expect(await once1({ command: ['echo', 'a.b 12'] })).toEqual({ 'a.b': 12 });
});

test('once and check know what a program says that stays, and says something now and then', async () => {
  const stays = { command: ['sh', '-c', 'echo a.b 12; exec sleep 60'], persistent: true };
  expect(await once1(stays)).toEqual({ 'a.b': 12 });
  const config = join(scratch(), 'cullinan.yaml');
  const it = JSON.stringify({ type: 'exec', enabled: true, ...stays });
  writeFileSync(config, `collectors: { default: { enabled: false }, it: ${it} }\n`);
  const { stdout, stderr } = await cullinan(['check', '--config', config]);
  expect(stdout, stderr).toMatch(/^\S+\.a\.b$/m);
});

describe.runIf(process.getuid?.() === 0)('a program of another user', () => {
  test('has no right that the agent has, be it root', async () => {
    expect(await once1({ command: WHO, user: 'daemon' })).toEqual({
      uid: 1,
      rights: 0,
      inherited: 0,
    });
  });

  test('or an agent that may change users and nothing else', async () => {
    const agent = [
      ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'],
      ...['--inh-caps=+setuid,+setgid,+kill', '--ambient-caps=+setuid,+setgid,+kill', '--'],
    ];
    expect(await once1({ command: WHO, user: 'daemon' }, agent)).toEqual({
      uid: 1,
      rights: 0,
      inherited: 0,
    });
  });
});

test('one that cannot be another user is said, and collects nothing', async () => {
  const folder = scratch();
  const config = join(folder, 'cullinan.yaml');
  writeFileSync(
    config,
    'collectors: { default: { enabled: false }, it: { type: exec, enabled: true, command: ["true"], user: no-such-user } }\n',
  );
  const { stderr } = await cullinan(['once', '--config', config]);
  expect(stderr).toContain('the system knows no user no-such-user');
});
