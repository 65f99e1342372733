import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { cullinan } from '../support/program.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));
const hosts = readdirSync(FIXTURES).filter((name) =>
  existsSync(`${FIXTURES}/${name}/recording.json`),
);

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
