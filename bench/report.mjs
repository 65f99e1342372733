// What the bench prints, and docs/performance.md.
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { byMetric, goals } from './goals.mjs';

/**
 * @typedef {import('./goals.mjs').Results & {
 *   date: string,
 *   method: string,
 *   agents: readonly { name: string, what: string, version: string }[],
 *   missing: readonly string[],
 *   weights: readonly import('./packages.mjs').Weight[],
 *   seconds: number,
 *   warm: number,
 * }} Report
 */

/** Three digits that count: 1234, 12.3, 0.123. */
function figure(/** @type {number | undefined} */ value) {
  if (value === undefined || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 3));
}

/**
 * A table in Markdown, its columns aligned; all but the first are numbers.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function table(head, rows) {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${widths.map((width, i) => (i === 0 ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width))).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

const HEAD = [
  ...['agent', 'interval', 'collections', 'CPU a collection (µs)', 'metrics', 'CPU a metric (µs)'],
  ...['RSS (MiB)', 'anonymous (MiB)', 'first point (s)', 'CPU until then (ms)', 'children'],
];

/** The agents side by side. */
export function agentsTable(/** @type {Report} */ { rows, start }) {
  const all = rows.map((row) => [
    row.agent,
    `${row.interval} s`,
    String(row.collections),
    row.cpu.toFixed(0),
    row.metrics === 0 ? '–' : row.metrics.toFixed(1),
    figure(byMetric(row)),
    row.rss.toFixed(1),
    row.anonymous.toFixed(1),
    row.agent === 'floor' ? '–' : row.firstPoint.toFixed(3),
    row.agent === 'floor' ? '–' : (row.startCpu / 1000).toFixed(1),
    `${row.children}${row.hadChild ? ', and ended ones' : ''}`,
  ]);
  if (start === undefined) return table(HEAD, all);
  const { bare, own, clean } = start;
  const starts = {
    ...{ 'bare Node': bare, 'cullinan, alone': own },
    ...(clean && { 'bare Node, clean': clean.bare, 'cullinan, alone, clean': clean.own }),
  };
  const began = Object.entries(starts).map(([name, { rss, anonymous, seconds, cpu }]) => [
    ...[name, '–', '–', '–', '–', '–', rss.toFixed(1), anonymous.toFixed(1)],
    ...[seconds.toFixed(3), (cpu / 1000).toFixed(1), '–'],
  ]);
  return table(HEAD, [...all, ...began]);
}

/** What is installed, and what it costs until its first point. */
export function packagesTable(/** @type {Report} */ { weights, rows }) {
  return table(
    ['package', 'to download (MB)', 'installed (MB)', 'first point (s)', 'RSS (MiB)'],
    // A package may have several agents: the same program under another configuration.
    [...new Map(weights.map((weight) => [weight.name, weight])).values()].map((weight) => {
      const row = rows.findLast(({ agent }) => agent === weight.agent);
      return [
        weight.name,
        weight.download.toFixed(1),
        weight.installed.toFixed(1),
        figure(row?.firstPoint),
        row === undefined ? '–' : row.rss.toFixed(1),
      ];
    }),
  );
}

/** Every goal, and whether it is reached. */
export function goalsTable(/** @type {Report} */ report) {
  return table(
    ['goal', 'at most', 'measured', ''],
    goals(report).map(({ what, unit, most, figure: measured }) => [
      what,
      `${most}${unit}`,
      measured === undefined ? '–' : `${figure(measured)}${unit}`,
      measured === undefined ? 'not measured' : measured <= most ? 'reached' : 'NOT reached',
    ]),
  );
}

/** What a tick costs by the number of devices. */
export const devicesTable = (/** @type {Report} */ { devices }) =>
  table(
    [
      'disks and interfaces',
      'CPU a tick (ms)',
      'metrics',
      'CPU a metric (µs)',
      'RSS (MiB)',
      'anonymous (MiB)',
    ],
    devices.map((row) => [
      `${row.devices} + ${row.devices}`,
      figure(row.cpu / 1000),
      row.metrics.toFixed(0),
      figure(byMetric(row)),
      row.rss.toFixed(1),
      row.anonymous.toFixed(1),
    ]),
  );

const DURATIONS = [
  { unit: 'd', seconds: 86_400 },
  { unit: 'min', seconds: 60 },
];

/** @param {number} seconds */
function duration(seconds) {
  const { unit, seconds: one } = DURATIONS.find((each) => seconds >= each.seconds) ?? {
    unit: 's',
    seconds: 1,
  };
  return `${seconds / one} ${unit}`;
}

/** Memory over the simulated week. */
export const weekTable = (/** @type {Report} */ { week }) =>
  table(
    ['after', 'RSS (MiB)', 'anonymous (MiB)'],
    (week?.marks ?? []).map((mark) => [
      duration(mark.seconds),
      mark.rss.toFixed(1),
      mark.anonymous.toFixed(1),
    ]),
  );

/** What everything was measured on. */
export function machine() {
  const [cpu] = cpus();
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} × ${cpu?.model ?? 'an unknown CPU'}, ${memory} GiB, Linux ${release()}, ${system ?? 'an unknown system'}, Node ${process.version}`;
}

/** @returns {string} docs/performance.md. */
export function performancePage(/** @type {Report} */ report) {
  const { date, method, agents, missing, seconds, warm, start, week } = report;
  const reached = goals(report).filter(
    ({ most, figure }) => figure !== undefined && figure <= most,
  );
  return `# What cullinan costs

<!-- Generated by \`npm run bench\` from one run. Do not edit. -->

Measured on ${date}, all in one run, on ${machine()}. ${reached.length} of ${goals(report).length} goals are reached.

## Goals

${goalsTable(report)}

## Beside other agents

${agentsTable(report)}

${agents.map(({ name, what, version }) => `- **${name}**${version === '' ? '' : ` ${version}`}: ${what}.`).join('\n')}
${missing.length === 0 ? '' : `\nLeft out: ${missing.join('; ')}.\n`}
All run at the same time, each into a sink of its own on the loopback, so that they share the same disturbances. Those at 1 s are
measured over ${seconds} s after ${warm} s of warming up. Those at 10 s are measured from their second collection on, because an
agent that works once in ten seconds is cold for most of its life. Both measure whole intervals, from silence to silence.

- **CPU** is user and system time of the whole process tree, from ${method}.
  The loopback charges the work of receiving to whoever sends, for every agent alike.
- **metrics** are counted where they arrive. Two agents do not mean the same by a metric or read the same for it: a collection of
  cullinan reads what a collection of collectd reads, and paging, pressure, sockets, limits and its own state as well. CPU a
  collection compares programs, CPU a metric what they are for.
- **anonymous** memory is heap and stacks, which nothing shares and the kernel cannot drop. RSS also counts the pages of files, such
  as Node's own code, which every Node on a host has in common. Both are the median of readings at the end of each collection: in
  between V8's heap grows by a MiB or two until it looks for garbage.
- **first point** is the time from exec to the first metric at the sink${
    start === undefined
      ? ''
      : `; of cullinan and of a bare Node (\`node -e\` with one line of output)
  the median of ${start.times} starts, each alone. Their memory is read half a second later${
    start.clean === undefined
      ? ''
      : `.
  Here the environment has NODE_EXTRA_CA_CERTS, and both read the certificates as they start. "clean" is without it, as an
  agent is installed`
  }`
  }.
- **children** are other processes of the tree, the most seen at once; "and ended ones" is what the kernel says of children that
  have been waited for, however short they lived.

## Packages

${packagesTable(report)}

Debian's packages that have the programs, without the libraries and the data that they depend on, and ours, which depends on the C and C++
libraries alone. A row of ours is here when \`npm run package\` was run before.

## Many devices

${devicesTable(report)}

Only the disk and network collectors, with the Graphite handler, at 1 s, over a generated /proc and /sys whose counters all grow
every second. Metrics and delivery included; three such agents at once.

## A week

${weekTable(report)}

${
  week === undefined
    ? 'Not measured.'
    : `All default collectors and the Graphite handler at 10 s: ${week.ticks} ticks and ${week.metrics} metrics in ${week.seconds.toFixed(0)} s, the program as it is
installed, over this host's /proc and a real connection, with nothing but time simulated. Ahead of each row are 30 ticks at one a
second: V8 gives a larger heap to who allocates as fast as a week in a minute, and takes it back when life is slow again.`
}

## How to read and repeat it

\`npm run bench\` measures all of it anew and writes this page; [bench/README.md](../bench/README.md) says how. Ratios between rows of one
run compare across machines, times do not. Nothing fails when a goal is missed.
`;
}
