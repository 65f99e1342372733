import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { OF_THIS_MACHINE } from '../../src/cli/replay.ts';
import { scratch } from '../support/agent.ts';
import { cullinan } from '../support/program.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));
const hosts = readdirSync(FIXTURES).filter((name) =>
  existsSync(`${FIXTURES}/${name}/recording.json`),
);

/** Whether a collector looked into a recorded host. */
const isRecorded = (name: string): boolean =>
  hosts.some((host) => {
    const golden = fileURLToPath(
      new URL(`../golden/collectors/${name}/${host}.txt`, import.meta.url),
    );
    return (
      existsSync(golden) && /^[^#!\n]|is not in the recording$/m.test(readFileSync(golden, 'utf8'))
    );
  });

test('what is in no recording is left out, and nothing else', () => {
  const others = [...registry.collectors.keys()].filter((name) => !isRecorded(name));
  expect([...OF_THIS_MACHINE]).toEqual(others);
});

test('the logs of this machine are not read', async () => {
  const folder = scratch();
  const config = join(folder, 'cullinan.yaml');
  const state = join(folder, 'state');
  writeFileSync(
    config,
    `collectors: { logs: { state: ${state}, files: [{ path: ${config}, parser: syslog, from: start }] } }\n`,
  );
  const { code, stdout } = await cullinan(['replay', `${FIXTURES}/debian-12`, '--config', config]);
  expect(code).toBe(0);
  expect(stdout).not.toContain('cullinan.logs.');
  expect(existsSync(state)).toBe(false);
});

describe.each(hosts)('the whole program over the recording of %s', (host) => {
  test.each(['otel', 'diamond', 'collectd', 'prometheus', 'ganglia'])(
    'speaks %s',
    async (dialect) => {
      const { code, stdout } = await cullinan(['replay', `${FIXTURES}/${host}`, '-d', dialect]);
      expect(code).toBe(0);
      await expect(stdout).toMatchFileSnapshot(`../golden/replay/${host}.${dialect}.txt`);
    },
  );

  test('says the same twice', async () => {
    const words = ['replay', `${FIXTURES}/${host}`, '--json', '--raw'];
    const [once, again] = await Promise.all([cullinan(words), cullinan(words)]);
    expect(once.stdout).toBe(again.stdout);
    for (const line of once.stdout.trimEnd().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({
        name: expect.any(String),
        value: expect.any(Number),
        time: expect.any(Number),
        kind: expect.stringMatching(/^(gauge|counter|delta)$/),
      });
    }
  });
});
