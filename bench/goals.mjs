// What was to be reached, and what was.

/**
 * @typedef {import('./steady.mjs').Row} Row
 * @typedef {Row & { devices: number }} DeviceRow
 *
 * @typedef {object} Results
 * @property {Awaited<ReturnType<typeof import('./startup.mjs').startup>>} [start]
 * @property {readonly Row[]} rows
 * @property {readonly DeviceRow[]} devices
 * @property {Awaited<ReturnType<typeof import('./week.mjs').week>>} [week]
 *
 * @typedef {object} Goal
 * @property {string} what
 * @property {string} unit behind figures; '' for ratios.
 * @property {number} most that reaches it.
 * @property {number | undefined} figure `undefined` if it was not measured.
 */

/** A device among many may cost this much more than one among few before it is called not linear. */
const LINEAR = 1.2;
const WEEK = 7;
/**
 * The milliseconds that many devices may take, on a machine on which a collection of collectd's at 1 s takes so many: with
 * the plugins of collectd-few, which it was measured with where the goal was set.
 */
const MANY_DEVICES = 15;
const COLLECTD = 2.6;

/** @param {Row | undefined} row */
const byCollection = (row) => row?.cpu;
/** @param {Row | undefined} row microseconds of CPU for one metric. */
export const byMetric = (row) =>
  row === undefined || row.metrics === 0 ? undefined : row.cpu / row.metrics;

/** @param {number | undefined} a @param {number | undefined} b */
const over = (a, b) => (a === undefined || b === undefined ? undefined : a / b);

/** What a further disk and interface cost between two numbers of them, in microseconds. */
function marginal(
  /** @type {DeviceRow | undefined} */ few,
  /** @type {DeviceRow | undefined} */ many,
) {
  if (few === undefined || many === undefined) return undefined;
  return (many.cpu - few.cpu) / (many.devices - few.devices);
}

/**
 * Every goal, with the figure beside it.
 *
 * @param {Results} results
 * @returns {Goal[]}
 */
export function goals({ start, rows, devices, week }) {
  /** @type {(agent: string, interval: number) => Row | undefined} */
  const row = (agent, interval) =>
    rows.find((one) => one.agent === agent && one.interval === interval);
  const intervals = [1, 10];
  const shares = intervals.flatMap((interval) => {
    const own = row('cullinan', interval);
    const at = interval === 1 ? 'at 1 s' : `at ${interval} s, from a cold start`;
    return [
      ...['collectd', 'collectd-few'].flatMap((name) => {
        const peer = row(name, interval);
        return [
          {
            what: `CPU of a collection ${at}, over that of ${name}`,
            most: 1,
            figure: over(byCollection(own), byCollection(peer)),
          },
          {
            what: `CPU of a metric ${at}, over that of ${name}`,
            most: 0.4,
            figure: over(byMetric(own), byMetric(peer)),
          },
        ];
      }),
      {
        what: `CPU of a metric ${at}, over that of netdata`,
        most: 1,
        figure: over(byMetric(own), byMetric(row('netdata', interval))),
      },
    ];
  });
  const memory = intervals.flatMap((interval) => {
    const own = row('cullinan', interval);
    return [
      { what: `resident memory at ${interval} s`, unit: ' MiB', most: 52, figure: own?.rss },
      { what: `anonymous memory at ${interval} s`, unit: ' MiB', most: 14, figure: own?.anonymous },
    ];
  });
  const last = week?.marks.find(({ seconds }) => seconds === WEEK * 24 * 60 * 60);
  const [, hundred, thousand] = devices;
  const own = rows.filter(({ agent }) => agent === 'cullinan');
  return [
    ...shares,
    ...memory,
    { what: 'resident memory after a week', unit: ' MiB', most: 52, figure: last?.rss },
    { what: 'anonymous memory after a week', unit: ' MiB', most: 14, figure: last?.anonymous },
    { what: 'first point after exec', unit: ' s', most: 0.5, figure: start?.own.seconds },
    {
      what: 'CPU until the first point, over that of a bare Node',
      most: 2,
      figure: over(start?.own.cpu, start?.bare.cpu),
    },
    ...(start?.clean === undefined
      ? []
      : [
          {
            what: 'the same without NODE_EXTRA_CA_CERTS, which is set where this was measured',
            most: 2,
            figure: over(start.clean.own.cpu, start.clean.bare.cpu),
          },
        ]),
    {
      what: 'child processes',
      most: 0,
      figure:
        own.length === 0
          ? undefined
          : Math.max(...own.map(({ children, hadChild }) => children + Number(hadChild))),
    },
    {
      what: 'CPU of a tick with 1,000 disks and 1,000 interfaces',
      unit: ' ms',
      most: MANY_DEVICES,
      figure: over(thousand?.cpu, 1000),
    },
    {
      what: `the same, over a collection of collectd-few at 1 s, which took ${COLLECTD} ms where the goal was set`,
      most: Number((MANY_DEVICES / COLLECTD).toFixed(1)),
      figure: over(thousand?.cpu, byCollection(row('collectd-few', 1))),
    },
    {
      what: 'CPU of a device among 100 to 1,000, over that of one among 10 to 100 (linear is 1)',
      most: LINEAR,
      figure: over(marginal(hundred, thousand), marginal(devices[0], hundred)),
    },
  ].map((goal) => ({ unit: '', ...goal }));
}
