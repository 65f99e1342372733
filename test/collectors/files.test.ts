import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { NoData, ParseError, Unresponsive } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import files, { type Group, Sums } from '../../collectors/files.ts';
import { collecting, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

const NOW = 1_700_000_000;

/** A folder with files of this many bytes, the n-th written n minutes before. */
function folder(sizes: Readonly<Record<string, number>>): string {
  const root = mkdtempSync(join(tmpdir(), 'cullinan-files-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [i, [path, size]] of Object.entries(sizes).entries()) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'x'.repeat(size));
    utimesSync(file, NOW, NOW - 60 * (i + 1));
  }
  return root;
}

async function counted(options: object, signal = new AbortController().signal) {
  const groups = { g: options };
  return collecting(files)(NOW, { host: hostWith({}), options: { groups }, signal });
}

const number = async (options: object): Promise<number | undefined> => {
  const { observations, errors } = await counted(options);
  expect(errors).toEqual([]);
  return observations.find(({ metric }) => metric.name === 'files.count')?.value;
};

const TREE = {
  'a.log': 10,
  'b.log': 2000,
  'c.txt': 30,
  '.hidden.log': 40,
  'd [1].log': 1,
  'deep/a.log': 50,
  'deep/deeper/b.log': 60,
  '.git/x.log': 70,
};

describe('files', () => {
  test('has their number, size and age', async () => {
    const root = folder(TREE);
    expect(text(await counted({ path: `${root}/*.log` }))).toBe(
      [
        'files.count{group="g"} 3 count gauge',
        'files.size{group="g"} 2011 bytes gauge',
        'files.age.oldest{group="g"} 300 seconds gauge',
        'files.age.newest{group="g"} 60 seconds gauge',
        '',
      ].join('\n'),
    );
  });

  test.each([
    ['*', 4],
    ['**', 6],
    ['**/*.log', 5],
    ['*/*.log', 1],
    ['deep/**', 2],
    ['[ab].log', 2],
    ['[!ab].log', 0],
    ['?.log', 2],
    ['d [[]1].log', 1],
    ['a.log', 1],
    ['a+log', 0],
    ['deep/**/b.log', 1],
    ['dee*/*/b.log', 1],
  ])('the glob %s matches %i', async (glob, expected) => {
    expect(await number({ path: `${folder(TREE)}/${glob}` })).toBe(expected);
  });

  test('counts what its options choose', async () => {
    const root = folder(TREE);
    const all = `${root}/**`;
    expect(await number({ path: all, hidden: true })).toBe(8);
    expect(await number({ path: all, exclude: ['*.txt', 'a.*'] })).toBe(3);
    expect(await number({ path: all, minSize: '60B' })).toBe(2);
    expect(await number({ path: all, maxSize: '10B' })).toBe(2);
    expect(await number({ path: all, minAge: '3m' })).toBe(4);
    expect(await number({ path: all, maxAge: '2m' })).toBe(2);
    expect(await number({ path: `${root}/*`, type: 'all' })).toBe(5);
  });

  test('a folder that is a link is looked into, one below is not', async () => {
    const root = folder(TREE);
    symlinkSync(join(root, 'deep'), join(root, 'link'));
    expect(await number({ path: `${root}/link/*` })).toBe(1);
    expect(await number({ path: `${root}/**` })).toBe(6);
  });

  test('no files is a number, no folder is none', async () => {
    const root = folder(TREE);
    expect(text(await counted({ path: `${root}/*.none` }))).toBe(
      'files.count{group="g"} 0 count gauge\nfiles.size{group="g"} 0 bytes gauge\n',
    );
    const { observations, thrown } = await counted({ path: `${root}/none/*` });
    expect(observations).toEqual([]);
    expect(thrown).toEqual(new NoData(`${root}/none/*: ${root}/none does not exist here`));
  });

  test('a folder that does not answer is given up at the deadline', async () => {
    const deadline = AbortSignal.abort();
    const { thrown } = await counted({ path: '/**' }, deadline);
    expect(thrown).toBeInstanceOf(Unresponsive);
    const later = new AbortController();
    const run = counted({ path: '/**/of which there is none' }, later.signal);
    setImmediate(() => later.abort());
    expect((await run).thrown).toEqual(new Unresponsive('find did not answer in time'));
  });

  test('names that end in a new line, or look like options, do no harm', async () => {
    expect(await number({ path: `${folder({ 'a\n1 2': 1, '-delete': 1 })}/*` })).toBe(2);
  });

  test('a group that cannot be looked at costs the others nothing', async () => {
    const path = `${folder(TREE)}/*`;
    const groups = { gone: { path: '/nowhere/*' }, g: { path } };
    const run = await collecting(files)(NOW, { host: hostWith({}), options: { groups } });
    expect(run.observations).toHaveLength(4);
    expect(run.errors).toEqual([new NoData('gone: /nowhere/*: /nowhere does not exist here')]);
  });

  test('without groups there is nothing to count', async () => {
    const { thrown } = await collecting(files)(NOW, { host: hostWith({}) });
    expect(thrown).toBeInstanceOf(NoData);
  });
});

test('adds up lines in whatever pieces they come, and takes no others', () => {
  const group = { path: '/*', exclude: [], type: 'file', hidden: false } as const satisfies Group;
  const lines = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 });
  fc.assert(
    fc.property(lines, fc.array(fc.nat({ max: 30 })), (wanted, cuts) => {
      const sums = new Sums(group, NOW);
      let rest = wanted.map(([size, time]) => `${size} ${time}.5\n`).join('');
      for (const cut of cuts) {
        sums.push(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      sums.push(rest);
      expect(sums.files).toBe(wanted.length);
      expect(sums.bytes).toBe(wanted.reduce((sum, [size]) => sum + size, 0));
      expect(sums.wrong).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (bytes) => {
      const sums = new Sums(group, NOW);
      sums.push(`${bytes}\n`);
      expect(sums.wrong === undefined || sums.wrong instanceof ParseError).toBe(true);
      expect(sums.files).toBeLessThanOrEqual(bytes.split('\n').length);
    }),
  );
});
