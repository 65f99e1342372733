import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import textfile from '../../collectors/textfile.ts';
import { liveHost } from '../../src/host/index.ts';
import { scratch } from '../support/agent.ts';
import { collecting } from '../support/collector.ts';
import { collectorAt } from '../support/foreign-programs.ts';
import { canHang, HungMount } from '../support/hung-mount.ts';
import { NodeExporter } from '../support/node-exporter.ts';
import { describeWithPeer } from '../support/peers.ts';

const MTIME = 1_700_000_000;

function reading(more: Readonly<Record<string, unknown>> = {}) {
  const folder = scratch();
  const world = collectorAt('textfile', { folders: [folder], ...more });
  const at = (name: string) => join(folder, name);
  const write = (name: string, text: string) => {
    writeFileSync(at(name), text);
    utimesSync(at(name), MTIME, MTIME);
  };
  /** Without what tells of the files themselves. */
  const numbers = async () =>
    Object.fromEntries(
      Object.entries(await world.values()).filter(([name]) => !name.startsWith('node_textfile_')),
    );
  return { ...world, folder, at, write, numbers };
}

test("files of Prometheus' text, and of Diamond's lines, are read at each tick", async () => {
  const { values, write, at, lines } = reading();
  write('backup.prom', '# TYPE backup_bytes_total counter\nbackup_bytes_total{job="db"} 5\n');
  write('old.out', 'backup.age 12\n');
  write('other.txt', 'not 1\n');
  expect(await values()).toEqual({
    'backup_bytes_total{job=db}': 5,
    'backup.age': 12,
    [`node_textfile_mtime_seconds{file=${at('backup.prom')}}`]: MTIME,
    [`node_textfile_mtime_seconds{file=${at('old.out')}}`]: MTIME,
  });
  expect(lines('prometheus')[0]).toBe('backup_bytes_total{job="db"} 5');
  write('old.out', 'backup.age 13\n');
  expect((await values())['backup.age']).toBe(13);
});

test.each([
  ['half-written', 'a 1\nb', 'ends within a line'],
  ['cannot be read', 'a 1\nb{ 2\n', /^\/[^:]*\/bad\.prom is left out: .*has a label/],
  ['has times', 'a 1 1700000000000\n', 'has a time'],
  ['is too large', `a 1\n${'#'.repeat(2000)}\n`, 'more than the 1024 allowed'],
  [
    'has a line that is too long',
    `a 1\nb{x="${'y'.repeat(70_000)}"} 1\n`,
    /bad\.prom .* longer than/,
  ],
])('a file that %s is left out whole, and told of', async (_, text, why) => {
  const { numbers, write, troubles } = reading({ output: text.length > 9000 ? '1MiB' : '1KiB' });
  write('bad.prom', text);
  write('good.prom', 'good 1\n');
  expect(await numbers()).toEqual({ good: 1 });
  expect(troubles().join()).toMatch(why);
});

test('a file that was not written for long is left out, its age is not', async () => {
  const { values, write, at, troubles, clock } = reading({ stale: '1h' });
  write('old.prom', 'old 1\n');
  write('new.prom', 'new 1\n');
  const now = clock.now() / 1000;
  utimesSync(at('new.prom'), now, now);
  expect(await values()).toEqual({
    new: 1,
    [`node_textfile_mtime_seconds{file=${at('old.prom')}}`]: MTIME,
    [`node_textfile_mtime_seconds{file=${at('new.prom')}}`]: now,
  });
  expect(troubles().join()).toContain('was not written for longer than 3600 s');
});

test('what is no file holds up nobody', async () => {
  const { numbers, at, write, troubles } = reading();
  await promisify(execFile)('mkfifo', [at('pipe.prom')]);
  mkdirSync(at('folder.prom'));
  symlinkSync('/dev/zero', at('zero.prom'));
  symlinkSync(at('nothing'), at('gone.prom'));
  write('good.prom', 'good 1\n');
  expect(await numbers()).toEqual({ good: 1 });
  const told = troubles().join();
  for (const name of ['pipe', 'folder', 'zero']) {
    expect(told).toContain(`${at(name)}.prom is no regular file`);
  }
});

test('of more files than a thousand the rest is left out, and told of', async () => {
  const { numbers, write, troubles, folder } = reading();
  for (let i = 0; i < 1001; i += 1) write(`${1000 + i}.prom`, `a${i} 1\n`);
  expect(Object.keys(await numbers())).toHaveLength(1000);
  expect(troubles().join()).toContain(`${folder} has 1001 files, of which 1000 are read`);
});

test('a folder that is not there is no error, none at all is said as information', async () => {
  const folder = scratch();
  const none = collectorAt('textfile', { folders: [join(folder, 'none')] });
  expect(await none.values()).toEqual({});
  expect(none.report.said[0]?.trouble.absent).toBe(true);
  writeFileSync(join(folder, 'a.prom'), 'a 1\n');
  const one = collectorAt('textfile', { folders: [join(folder, 'none'), folder] });
  expect(await one.values()).toMatchObject({ a: 1 });
  expect(one.troubles()).toEqual([]);
});

test('a file of any bytes costs itself alone', async () => {
  const { numbers, write, at } = reading();
  write('a.prom', 'a 1\n');
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, ended) => {
      writeFileSync(at('noise.prom'), ended ? Buffer.from([...bytes, 10]) : bytes);
      expect(await numbers()).toMatchObject({ a: 1 });
    }),
    { numRuns: 50 },
  );
});

describeWithPeer(
  ['prometheus-node-exporter', 'textfile-collectors'],
  'beside a real node_exporter',
  () => {
    const SCRIPTS = '/usr/share/prometheus-node-exporter-collectors';

    test('scripts of its community have the same series and values', async () => {
      const { folder, write, tick, lines } = reading();
      chmodSync(folder, 0o755);
      const run = promisify(execFile);
      const { stdout: size } = await run(`${SCRIPTS}/directory-size.sh`, [
        '/etc/apt',
        '/usr/share/munin',
      ]);
      const { stdout: apt } = await run(`${SCRIPTS}/apt_info.py`).catch(() => ({ stdout: '' }));
      write('size.prom', size);
      if (apt !== '') write('apt.prom', apt);
      await using exporter = await NodeExporter.start(['textfile', `textfile.directory=${folder}`]);
      const isTheirs = (path: string) => /^(node_directory|node_textfile_mtime|apt_)/.test(path);
      const theirs = new Map([...(await exporter.scrape())].filter(([path]) => isTheirs(path)));
      expect(theirs.size).toBeGreaterThanOrEqual(3);
      await tick();
      const ours = lines('prometheus').map((line) => {
        const blank = line.lastIndexOf(' ');
        return [line.slice(0, blank), Number(line.slice(blank + 1))] as const;
      });
      expect(new Map(ours)).toEqual(theirs);
    });
  },
);

test.runIf(canHang).each([
  ['itself', (_at: string, mount: string) => mount],
  [
    'through a symbolic link',
    (at: string, mount: string) => {
      symlinkSync(mount, join(at, 'link'));
      return join(at, 'link');
    },
  ],
  [
    'through the link of a file',
    (at: string, mount: string) => {
      const folder = join(at, 'sound');
      mkdirSync(folder);
      symlinkSync(join(mount, 'b.prom'), join(folder, 'b.prom'));
      return folder;
    },
  ],
])('a mount that hangs costs what is there, and not the tick: %s', async (_, lead) => {
  const [at, sound] = [scratch(), scratch()];
  // The kernel tells mount points in bytes, and folders are configured in characters.
  const mounted = join(at, 'Zähler');
  mkdirSync(mounted);
  const hung = lead(at, mounted);
  writeFileSync(join(sound, 'a.prom'), 'a 1\n');
  await using _mount = await HungMount.on(mounted);
  const collect = collecting(textfile);
  const host = liveHost();
  onTestFinished(() => host.close());
  const { observations, errors } = await collect(0, { host, options: { folders: [hung, sound] } });
  expect(observations.map(({ metric }) => metric.name)).toContain('a');
  expect(errors.map(({ name }) => name)).toEqual(['Unresponsive']);
});
