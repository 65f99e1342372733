import { describe, expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { main } from '../../src/cli/program.ts';

/** What a command prints, says, and ends with. */
async function run(...words: readonly string[]) {
  let out = '';
  let err = '';
  const code = await main(words, {
    environment: {},
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    outIsTerminal: false,
    errIsTerminal: false,
  });
  return { out, err, code };
}

const names = [registry.collectors, registry.handlers, registry.parsers, registry.dialects].flatMap(
  (all) => [...all.keys()],
);

describe('list', () => {
  test('names everything there is, with its summary', async () => {
    const { out, code } = await run('list');
    expect(code).toBe(0);
    for (const name of names) expect(out).toMatch(new RegExp(`^  ${name} +[A-Za-z/].*\\.`, 'm'));
  });

  test('is one object for a machine', async () => {
    const { out } = await run('list', '--json');
    const { collectors, handlers, parsers, dialects } = JSON.parse(out);
    const listed = [...collectors, ...handlers, ...parsers, ...dialects];
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(names);
    expect(collectors).toContainEqual({
      name: 'load',
      summary: registry.collectors.get('load')?.summary,
      enabled: true,
    });
  });
});

describe('describe', () => {
  test.each(names)('%s', async (name) => {
    const { out, err, code } = await run('describe', name);
    expect([err, code]).toEqual(['', 0]);
    expect(out).toMatch(
      new RegExp(`^${name} \\((collector|handler|parser|dialect), .*\\)\\n[A-Za-z/].*\\.\\n`),
    );
  });

  test.each(['cpu', 'file', 'diamond', 'collectd'])('%s, to the letter', async (name) => {
    const { out } = await run('describe', name);
    await expect(out).toMatchFileSnapshot(`../golden/describe/${name}.txt`);
  });

  test.each(['collector', 'handler'])(
    '%s tells the options that all of them have',
    async (word) => {
      const { out } = await run('describe', word);
      expect(out).toMatch(new RegExp(`^Options of every ${word}\\n  enabled: true \\| false`));
    },
  );

  test('is one object for a machine', async () => {
    const { out } = await run('describe', 'graphite', '--json');
    expect(JSON.parse(out)).toMatchObject({
      type: 'handler',
      name: 'graphite',
      dialect: 'diamond',
    });
    expect(JSON.parse(out).options).toContainEqual({
      name: 'port',
      type: 'whole number 1–65535',
      default: '2003, or 2004 with format: pickle',
      inWords: true,
      required: false,
      help: 'The port of each host that names none.',
      ofEach: false,
    });
  });

  test('asks back where a name is mistyped', async () => {
    const { out, err, code } = await run('describe', 'netwrok');
    expect([out, code]).toEqual(['', 64]);
    expect(err).toContain('called "netwrok". Did you mean "network"?');
  });

  test('lists what there is where a name is like none', async () => {
    const { err, code } = await run('describe', 'quux-and-more');
    expect(code).toBe(64);
    for (const name of names) expect(err).toContain(name);
  });
});
