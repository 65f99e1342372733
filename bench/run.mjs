// What cullinan costs beside other agents: `npm run bench`. See bench/README.md.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { method } from './accounting.mjs';
import { cullinan, floor, peers } from './agents.mjs';
import { install, versionOf } from './install.mjs';
import { startup } from './startup.mjs';
import { steady } from './steady.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    warm: { type: 'string', default: '30' },
    only: { type: 'string' },
    out: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const seconds = values.quick ? 20 : Number(values.seconds);
const warm = values.quick ? 5 : Number(values.warm);
const work = mkdtempSync(`${tmpdir()}/cullinan-bench-`);
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

const tell = (/** @type {string} */ text) => console.error(`bench: ${text}`);
const ground = floor(`${work}/floor`);
const chosen = values.only?.split(',');
const wanted = [cullinan, ...peers, ground].filter(({ name }) => chosen?.includes(name) ?? true);
install(wanted.filter((agent) => agent !== ground && agent !== cullinan));
install([{ program: '/usr/bin/cc', packages: ground.packages }]);
if (existsSync('/usr/bin/cc')) {
  const source = fileURLToPath(new URL('floor.c', import.meta.url));
  execFileSync('/usr/bin/cc', ['-O2', '-std=c11', '-o', ground.program, source]);
}
const there = wanted.filter(({ program }) => existsSync(program));
const start = await startup({ times: values.quick ? 3 : 7, work });
console.log(start);
console.log(`CPU by ${method()}`);
console.log(peers.map(({ name, packages }) => `${name} ${versionOf(packages[0])}`).join(', '));
const { rows, missing } = await steady(there, { seconds, warm, work, tell });
console.table(
  rows.map((row) => ({
    agent: row.agent,
    interval: row.interval,
    n: row.collections,
    'us/collection': Math.round(row.cpu),
    metrics: Number(row.metrics.toFixed(1)),
    'us/metric': Number((row.cpu / row.metrics).toFixed(2)),
    rss: row.rss,
    anon: row.anonymous,
    first: Number(row.firstPoint.toFixed(3)),
    'start ms': Number((row.startCpu / 1000).toFixed(1)),
    children: `${row.children}${row.hadChild ? ' +ended' : ''}`,
  })),
);
console.log(
  'missing',
  missing,
  wanted.filter((agent) => !there.includes(agent)).map((a) => a.name),
);
if (values.out) writeFileSync(values.out, JSON.stringify({ start, rows, missing }, null, 1));
