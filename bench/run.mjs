// What cullinan costs beside other agents: `npm run bench`. See bench/README.md.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { method } from './accounting.mjs';
import { cullinan, floor, peers } from './agents.mjs';
import { devices } from './devices.mjs';
import { install, versionOf } from './install.mjs';
import { packaged, weights } from './packages.mjs';
import {
  agentsTable,
  devicesTable,
  goalsTable,
  packagesTable,
  performancePage,
  weekTable,
} from './report.mjs';
import { tell, workFolder } from './session.mjs';
import { startup } from './startup.mjs';
import { steady } from './steady.mjs';
import { week } from './week.mjs';

const PARTS = ['start', 'steady', 'devices', 'week'];
const PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
const COMPILER = '/usr/bin/cc';

const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    warm: { type: 'string' },
    parts: { type: 'string' },
    only: { type: 'string' },
    out: { type: 'string' },
    write: { type: 'string' },
  },
});
const usual = given.quick
  ? { seconds: 20, warm: 5, starts: 3, days: 1, many: { seconds: 10, warm: 10 } }
  : // Links of interfaces are read 32 a tick: after 40 s those of 1,000 are all known.
    { seconds: 120, warm: 30, starts: 9, days: 7, many: { seconds: 30, warm: 40 } };
const seconds = Number(given.seconds ?? usual.seconds);
const warm = Number(given.warm ?? usual.warm);
if (!(seconds > 0 && warm >= 0)) throw new Error('--seconds and --warm must be numbers');
const parts = given.parts?.split(',') ?? PARTS;
for (const part of parts) {
  if (!PARTS.includes(part)) throw new Error(`--parts: "${part}" is none of ${PARTS.join(', ')}`);
}
const names = given.only?.split(',');

const work = workFolder();

/** The agents that were asked for and are there, and the names of the others. */
function contenders() {
  const ground = floor(`${work}/floor`);
  const own = [cullinan, packaged(work) ?? []].flat();
  const wanted = [...own, ...peers, ground].filter(({ name }) => names?.includes(name) ?? true);
  install([
    ...wanted.filter((agent) => agent !== ground && !own.includes(agent)),
    ...(wanted.includes(ground) ? [{ ...ground, program: COMPILER }] : []),
  ]);
  if (existsSync(COMPILER)) {
    const source = fileURLToPath(new URL('floor.c', import.meta.url));
    execFileSync(COMPILER, ['-O2', '-std=c11', '-o', ground.program, source]);
  }
  const there = wanted.filter(({ program }) => existsSync(program));
  const missing = wanted.filter((agent) => !there.includes(agent)).map(({ name }) => name);
  return { there, missing };
}

const own = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
const { there, missing } = contenders();
if (missing.length > 0) tell(`left out, not installed: ${missing.join(', ')}`);

/** @type {import('./report.mjs').Report} */
const report = {
  date: new Date().toISOString().slice(0, 10),
  method: method(),
  agents: there.map(({ name, what, packages }) => ({
    name,
    what,
    version: name.startsWith('cullinan') ? own : name === 'floor' ? '' : versionOf(packages[0]),
  })),
  missing,
  seconds,
  warm,
  rows: [],
  weights: weights(there.filter(({ name }) => name !== 'floor')),
  devices: [],
};
if (parts.includes('start')) {
  tell(`starting, ${usual.starts} times`);
  report.start = await startup({ times: usual.starts, work });
}
if (parts.includes('steady')) {
  const { rows, missing: silent } = await steady(there, { seconds, warm, work, tell });
  report.rows = rows;
  report.missing = [...missing, ...silent];
  for (const why of silent) tell(`left out: ${why}`);
}
if (parts.includes('devices')) {
  tell('up to 1,000 disks and interfaces');
  report.devices = await devices({ ...usual.many, work });
}
if (parts.includes('week')) {
  tell(`simulating ${usual.days} × 24 hours`);
  report.week = await week({ days: usual.days, work });
}

console.log(agentsTable(report));
if (report.weights.length > 0) console.log(`\n${packagesTable(report)}`);
if (report.devices.length > 0) console.log(`\n${devicesTable(report)}`);
if (report.week !== undefined) console.log(`\n${weekTable(report)}`);
console.log(`\n${goalsTable(report)}\n\nCPU from ${report.method}.`);
if (given.out !== undefined) writeFileSync(given.out, `${JSON.stringify(report, null, 2)}\n`);
const whole = !given.quick && given.parts === undefined && names === undefined;
const page = given.write ?? (whole ? PAGE : undefined);
if (page !== undefined) writeFileSync(page, performancePage(report));
