/**
 * chrony: how far the system's clock is off, and what its time sources say.
 *
 * Source  chronyd, by chronyc's protocol over UDP: its tracking, and one question for each source.
 * Units   Seconds; frequencies in parts of 1 (chronyc has millionths).
 * Access  chronyd answers these questions to everybody on the host itself, on 127.0.0.1 and ::1, unless it has
 *         `cmdport 0`; to other hosts with `cmdallow`.
 */
import { randomInt } from 'node:crypto';
import { openQuestions, spoken } from 'cullinan/net';
import {
  AccessDenied,
  count,
  defineCollector,
  Foreseen,
  gauge,
  ParseError,
  port,
  ratio,
  seconds,
  z,
} from 'cullinan/plugin';
import {
  type ChronyCommand,
  ChronyRefusal,
  type ChronySource,
  decodeSource,
  decodeSources,
  decodeTracking,
  encodeChrony,
  type Tracking,
} from 'cullinan/wire/chrony';

const options = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Where chronyd is.'),
  port: port.default(323).describe('Its port for commands, cmdport.'),
});

const time = (name: string, help: string) => gauge(name, { unit: 'seconds', help });
const part = (name: string, help: string) => gauge(name, { unit: 'ratio', help });
const labels = ['source', 'mode'] as const;
const metrics = {
  synchronized: gauge('chrony.synchronized', {
    unit: 'count',
    help: '1 if the clock is synchronized.',
  }),
  stratum: gauge('chrony.stratum', {
    unit: 'count',
    help: 'How many hosts there are to a reference clock; absent while not synchronized.',
  }),
  offset: time(
    'chrony.offset',
    'How far the clock is ahead of the true time, as far as known; it may be below 0.',
  ),
  last: time('chrony.offset.last', 'How far it was ahead at its last update.'),
  rms: time('chrony.offset.rms', 'The long-term average of that.'),
  frequency: part(
    'chrony.frequency',
    'By how much the clock would go too fast if it were not corrected.',
  ),
  residual: part(
    'chrony.frequency.residual',
    'What the selected source would have that be besides.',
  ),
  skew: part('chrony.frequency.skew', 'How far off the frequency may be.'),
  delay: time('chrony.root.delay', 'To the reference clock and back.'),
  dispersion: time('chrony.root.dispersion', 'How far off the time may be besides, all in all.'),
  updated: time('chrony.updated', 'When the clock was last updated, in Unix time.'),
  interval: time('chrony.update_interval', 'Between the last two updates.'),
  sources: gauge('chrony.sources', { unit: 'count', help: 'Sources that are configured.' }),
  selected: gauge('chrony.source.selected', {
    unit: 'count',
    labels,
    help: '1 for the source by which the clock is set.',
  }),
  usable: gauge('chrony.source.usable', {
    unit: 'count',
    labels,
    help: '1 if it could be used: neither out of reach nor out of line with the others.',
  }),
  reached: gauge('chrony.source.reached', {
    unit: 'count',
    labels,
    help: 'How many of the last eight questions it answered.',
  }),
  sourceStratum: gauge('chrony.source.stratum', { unit: 'count', labels, help: 'Its stratum.' }),
  poll: gauge('chrony.source.poll', { unit: 'seconds', labels, help: 'Between two questions.' }),
  since: gauge('chrony.source.since', { unit: 'seconds', labels, help: 'Since its last answer.' }),
  sourceOffset: gauge('chrony.source.offset', {
    unit: 'seconds',
    labels,
    help: 'How far the clock was ahead of it then.',
  }),
  error: gauge('chrony.source.error', {
    unit: 'seconds',
    labels,
    help: 'How far off that may be.',
  }),
};

const NOT_SYNCHRONIZED = 3;
/** More sources than anybody has. */
const MOST = 100;

function* observeTracking(it: Tracking) {
  const synchronized = it.leap !== NOT_SYNCHRONIZED;
  yield metrics.synchronized.observe(count(synchronized ? 1 : 0));
  if (synchronized) {
    yield metrics.stratum.observe(count(it.stratum));
    yield metrics.updated.observe(seconds(it.updated));
    yield metrics.delay.observe(seconds(it.rootDelay));
    yield metrics.dispersion.observe(seconds(it.rootDispersion));
    yield metrics.interval.observe(seconds(it.interval));
    yield metrics.last.observe(seconds(it.lastOffset));
    yield metrics.rms.observe(seconds(it.rmsOffset));
  }
  yield metrics.offset.observe(seconds(-it.behind || 0));
  yield metrics.frequency.observe(ratio(it.frequency));
  yield metrics.residual.observe(ratio(it.residual));
  yield metrics.skew.observe(ratio(it.skew));
}

function* observeSource(it: ChronySource) {
  const where = { source: it.name, mode: it.mode };
  yield metrics.selected.observe(count(it.state === 'selected' ? 1 : 0), where);
  const usable = !['unusable', 'falseticker', 'jittery'].includes(it.state);
  yield metrics.usable.observe(count(usable ? 1 : 0), where);
  yield metrics.reached.observe(count(it.reached), where);
  yield metrics.poll.observe(seconds(it.poll), where);
  // Before its first answer there is nothing else to tell.
  if (it.since === NEVER) return;
  yield metrics.sourceStratum.observe(count(it.stratum), where);
  yield metrics.since.observe(seconds(it.since), where);
  yield metrics.sourceOffset.observe(seconds(it.offset), where);
  yield metrics.error.observe(seconds(it.error), where);
}
const NEVER = 0xffff_ffff;

export default defineCollector({
  name: 'chrony',
  summary: "chrony: how far the system's clock is off, and what its sources say.",
  source: 'chronyd, by the protocol of chronyc',
  enabled: false,
  options,
  metrics,
  async *collect({ options, signal }) {
    const questions = await openQuestions(options, signal);
    const ask = async <T>(
      command: ChronyCommand,
      decode: (sequence: number, bytes: Buffer) => T | undefined,
      index?: number,
    ): Promise<T> => {
      const sequence = randomInt(2 ** 32);
      try {
        const question = encodeChrony(command, sequence, index);
        return await questions.ask(question, (bytes) => decode(sequence, bytes));
      } catch (error) {
        const where = spoken(options);
        if (error instanceof SyntaxError) {
          throw new ParseError(`${where}: it sent ${error.message}. Is this chronyd?`);
        }
        if (!(error instanceof ChronyRefusal)) throw error;
        const said = `${where}: ${error.message}`;
        throw error.denied
          ? new AccessDenied(`${said}. Let this host ask: cmdallow.`)
          : new Foreseen(said);
      }
    };
    try {
      yield* observeTracking(await ask('tracking', decodeTracking));
      const sources = await ask('sources', decodeSources);
      yield metrics.sources.observe(count(sources));
      const seen = new Set<string>();
      for (let i = 0; i < Math.min(sources, MOST); i += 1) {
        const source = await ask('source', decodeSource, i);
        const key = `${source.name} ${source.mode}`;
        // Sources whose names were not resolved have no address to tell them apart.
        if (seen.has(key)) continue;
        seen.add(key);
        yield* observeSource(source);
      }
    } finally {
      questions.close();
    }
  },
});
