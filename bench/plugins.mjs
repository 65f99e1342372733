// What plugins from outside cost: `npm run bench:plugins`. By itself: node bench/plugins.mjs --rounds 3
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Program } from './accounting.mjs';
import { table } from './report.mjs';
import { median, PROGRAM, tell, workFolder } from './session.mjs';

/** The goals. */
const MOST_IDLE = 0.5;
const MOST_TICK = 0.3;
/** Seconds after which an agent has let go of what only its start needed. */
const STARTED = 5;
/** Seconds after which an agent runs as it will for good: by then it has seen whether it is busy (scripts/launch.cjs). */
const SETTLED = 17;
/** What two agents that do the same differ by, side by side (ms per tick). */
const NOISE = 0.3;

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '15' },
  },
});
const rounds = Number(given.rounds);
const seconds = Number(given.seconds);

const work = workFolder();

/** A collector with a few labels, as many are. */
const plugin = (/** @type {string} */ name, off = false) => `
import { count, defineCollector, gauge, z } from 'cullinan/plugin';
const metrics = { value: gauge('bench.${name}', { unit: 'count', labels: ['thing'], help: 'A value.' }) };
let n = 0;
export default defineCollector({
  name: '${name}', summary: 'Observes.', source: 'nothing', ${off ? 'enabled: false,' : ''}
  options: z.strictObject({ scale: z.number().default(1).describe('Times.') }),
  metrics,
  *collect({ options }) {
    n += 1;
    for (let i = 0; i < 20; i += 1) {
      yield metrics.value.observe(count(options.scale * (n + i)), { thing: String(i) });
    }
  },
});
`;

const folder = (/** @type {string} */ name, /** @type {Record<string, string>} */ files) => {
  const path = join(work, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
};

const many = (/** @type {number} */ count, off = false) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`own${i}.ts`, plugin(`own${i}`, off)]),
  );

const none = folder('none', {});
const idle = folder('idle', many(100, true));
const one = folder('one', many(1));
const ten = folder('ten', many(10));

/**
 * @typedef {{ name: string, interval: string, plugins: string, more?: string, count?: number }} Case
 * @type {Case[]}
 */
const cases = [
  { name: 'no plugins, 1 s', interval: '1s', plugins: none },
  { name: '100 that are off, 1 s', interval: '1s', plugins: idle },
  { name: 'no plugins, 100 ms', interval: '100ms', plugins: none },
  {
    name: 'one in the agent’s thread, 100 ms',
    interval: '100ms',
    plugins: one,
    count: 1,
    more: 'inProcess: [own0],',
  },
  { name: 'one in a thread, 100 ms', interval: '100ms', plugins: one, count: 1 },
  { name: 'ten in a thread, 100 ms', interval: '100ms', plugins: ten, count: 10 },
];

/** CPU (ms per tick) and memory (MiB, of its own) of an agent under a configuration. */
async function measure(/** @type {Case} */ { name, interval, plugins, more = '', count = 0 }) {
  const chosen = Array.from({ length: count }, (_, i) => `, own${i}: { enabled: true }`).join('');
  const config = join(work, `${name.replaceAll(/\W+/g, '-')}.yaml`);
  writeFileSync(
    config,
    `interval: ${interval}
status: { enabled: false }
plugins: { ${more} folders: ['${plugins}'] }
collectors: { default: { stagger: 0s${interval === '1s' ? '' : ', enabled: false'} }${chosen} }
handlers: { file: { path: /dev/null, rotate: never } }
`,
  );
  const label = name.replaceAll(/\W+/g, '-');
  const program = await Program.start(label, [PROGRAM, 'run', '--config', config], work);
  await sleep(STARTED * 1000);
  const memory = program.memory().anonymous;
  await sleep((SETTLED - STARTED) * 1000);
  const before = program.cpu();
  const began = performance.now();
  await sleep(seconds * 1000);
  const spent = program.cpu() - before;
  const ticks = (performance.now() - began) / (interval === '1s' ? 1000 : 100);
  await program.stop();
  tell(`${name}: ${(spent / 1000 / ticks).toFixed(3)} ms a tick, ${memory.toFixed(1)} MiB`);
  return { tick: spent / 1000 / ticks, memory };
}

/** @type {Map<string, { tick: number, memory: number }[]>} */
const figures = new Map(cases.map(({ name }) => [name, []]));
// Side by side, so that whatever else the machine does meets them all.
for (let round = 0; round < rounds; round += 1) {
  for (const some of [cases.slice(0, 2), cases.slice(2)]) {
    const measured = await Promise.all(some.map(measure));
    for (const [i, each] of some.entries()) {
      const found = measured[i];
      if (found !== undefined) figures.get(each.name)?.push(found);
    }
  }
}

const figure = (/** @type {string} */ name, /** @type {'tick' | 'memory'} */ what) =>
  median((figures.get(name) ?? []).map((each) => each[what]));

const rows = cases.map(({ name }) => [
  name,
  figure(name, 'tick').toFixed(3),
  figure(name, 'memory').toFixed(1),
]);
const [bare1, idle1, bare, here, apart, tenApart] = cases.map(({ name }) => name);
/** By how much the one costs more than the other that ran beside it. */
const more = (
  /** @type {string | undefined} */ of,
  /** @type {string | undefined} */ than,
  /** @type {'tick' | 'memory'} */ what,
) => {
  const others = figures.get(than ?? '') ?? [];
  const all = (figures.get(of ?? '') ?? []).map(
    (each, i) => each[what] - (others[i]?.[what] ?? Number.NaN),
  );
  return median(all);
};
const goal = (/** @type {number} */ measured, /** @type {number} */ most) =>
  measured <= most ? 'reached' : 'missed';
const idleMemory = more(idle1, bare1, 'memory');
const idleTick = more(idle1, bare1, 'tick');
const overhead = more(apart, here, 'tick');
process.stdout.write(`Medians of ${rounds} rounds, in each of which all of a kind ran side by side.

${table(['agent', 'CPU per tick (ms)', 'anonymous memory (MiB)'], rows)}
${table(
  ['what', 'measured', 'at most', ''],
  [
    [
      '100 plugins that are off: memory (MiB)',
      idleMemory.toFixed(2),
      String(MOST_IDLE),
      goal(idleMemory, MOST_IDLE),
    ],
    [
      '100 plugins that are off: CPU per tick (ms)',
      idleTick.toFixed(3),
      '0',
      goal(idleTick, NOISE),
    ],
    [
      'a thread: CPU per tick (ms)',
      overhead.toFixed(3),
      String(MOST_TICK),
      goal(overhead, MOST_TICK),
    ],
    ['a thread with one plugin: memory (MiB)', more(apart, bare, 'memory').toFixed(1), '', ''],
    ['nine plugins more in it: memory (MiB)', more(tenApart, apart, 'memory').toFixed(1), '', ''],
  ],
)}`);
