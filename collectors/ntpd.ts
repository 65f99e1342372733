/**
 * ntpd, the classic one and NTPsec's: how far the system's clock is off, and what its sources say.
 *
 * Source  Control messages to its port (RFC 9327), as ntpq sends them: ntpd's variables, and those of each
 *         source.
 * Units   Milliseconds become seconds, millionths of frequency parts of 1.
 * Access  ntpd answers the host itself, unless `restrict` has noquery for it.
 */
import { randomInt } from 'node:crypto';
import { openQuestions, spoken } from 'cullinan/net';
import {
  AccessDenied,
  count,
  defineCollector,
  Foreseen,
  gauge,
  milliseconds,
  type Observation,
  ParseError,
  port,
  ratio,
  seconds,
  z,
} from 'cullinan/plugin';
import {
  associationsIn,
  ControlAnswer,
  encodeControl,
  NtpRefusal,
  variablesIn,
} from 'cullinan/wire/ntp-control';

const options = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Where ntpd is.'),
  port: port.default(123).describe('Its port.'),
});

const time = (name: string, help: string) => gauge(name, { unit: 'seconds', help });
const labels = ['source'] as const;
const metrics = {
  synchronized: gauge('ntpd.synchronized', {
    unit: 'count',
    help: '1 if the clock is synchronized.',
  }),
  stratum: gauge('ntpd.stratum', {
    unit: 'count',
    help: 'How many hosts there are to a reference clock; absent while not synchronized.',
  }),
  offset: time(
    'ntpd.offset',
    'How far the clock is behind its sources, all in all; it may be below 0.',
  ),
  jitter: time('ntpd.jitter', 'How much that varies between sources.'),
  clockJitter: time('ntpd.clock.jitter', 'How much it varies over time.'),
  frequency: gauge('ntpd.frequency', {
    unit: 'ratio',
    help: 'By how much the clock is made to go faster or slower.',
  }),
  wander: gauge('ntpd.clock.wander', { unit: 'ratio', help: 'How much that varies.' }),
  delay: time('ntpd.root.delay', 'To the reference clock and back.'),
  dispersion: time('ntpd.root.dispersion', 'How far off the time may be besides.'),
  sources: gauge('ntpd.sources', { unit: 'count', help: 'Sources that it has.' }),
  selected: gauge('ntpd.source.selected', {
    unit: 'count',
    labels,
    help: '1 for the source by which the clock is set.',
  }),
  usable: gauge('ntpd.source.usable', {
    unit: 'count',
    labels,
    help: '1 if it is a candidate: within reach, and in line with the others.',
  }),
  reached: gauge('ntpd.source.reached', {
    unit: 'count',
    labels,
    help: 'How many of the last eight questions it answered.',
  }),
  sourceStratum: gauge('ntpd.source.stratum', { unit: 'count', labels, help: 'Its stratum.' }),
  poll: gauge('ntpd.source.poll', { unit: 'seconds', labels, help: 'Between two questions.' }),
  sourceOffset: gauge('ntpd.source.offset', {
    unit: 'seconds',
    labels,
    help: 'How far the clock is behind it.',
  }),
  sourceDelay: gauge('ntpd.source.delay', { unit: 'seconds', labels, help: 'To it and back.' }),
  sourceJitter: gauge('ntpd.source.jitter', {
    unit: 'seconds',
    labels,
    help: 'How much its answers vary.',
  }),
  sourceDispersion: gauge('ntpd.source.dispersion', {
    unit: 'seconds',
    labels,
    help: 'How far off its answers may be.',
  }),
};

type Variables = ReadonlyMap<string, string>;

/** A number; ntpd writes some in hexadecimal. */
export function numberOf(variables: Variables, name: string): number | undefined {
  const text = variables.get(name) ?? '';
  return /^(?:-?\d{1,15}(?:\.\d{1,12})?|0x[\da-f]{1,8})$/i.test(text) ? Number(text) : undefined;
}

const MILLION = 1e6;
const UNSYNCHRONIZED = 16;

function* observeSystem(where: string, it: Variables): Generator<Observation> {
  const number = (name: string) => numberOf(it, name);
  const [leap, stratum] = [number('leap'), number('stratum')];
  if (leap === undefined || stratum === undefined) {
    throw new ParseError(`${where}: it has no leap and stratum. Is this ntpd?`);
  }
  const synchronized = leap !== 3 && stratum < UNSYNCHRONIZED;
  yield metrics.synchronized.observe(count(synchronized ? 1 : 0));
  if (synchronized) yield metrics.stratum.observe(count(stratum));
  for (const [metric, name] of [
    [metrics.offset, 'offset'],
    [metrics.jitter, 'sys_jitter'],
    [metrics.clockJitter, 'clk_jitter'],
    [metrics.delay, 'rootdelay'],
    [metrics.dispersion, 'rootdisp'],
  ] as const) {
    const value = number(name);
    if (value !== undefined) yield metric.observe(milliseconds(value));
  }
  const frequency = number('frequency');
  if (frequency !== undefined) yield metrics.frequency.observe(ratio(frequency / MILLION));
  const wander = number('clk_wander');
  if (wander !== undefined) yield metrics.wander.observe(ratio(wander / MILLION));
}

function* observeSource(selection: number, it: Variables): Generator<Observation> {
  const source = it.get('srcadr');
  if (source === undefined || source.length > 100) return;
  const number = (name: string) => numberOf(it, name);
  yield metrics.selected.observe(count(selection >= 6 ? 1 : 0), { source });
  yield metrics.usable.observe(count(selection >= 4 ? 1 : 0), { source });
  const reach = number('reach');
  if (reach !== undefined) {
    let reached = 0;
    for (let bits = reach & 0xff; bits > 0; bits >>= 1) reached += bits & 1;
    yield metrics.reached.observe(count(reached), { source });
  }
  const poll = number('hpoll');
  if (poll !== undefined && Math.abs(poll) < 32) {
    yield metrics.poll.observe(seconds(2 ** poll), { source });
  }
  const stratum = number('stratum');
  // Before its first answer there is nothing else to tell.
  if (stratum === undefined || stratum >= UNSYNCHRONIZED) return;
  yield metrics.sourceStratum.observe(count(stratum), { source });
  for (const [metric, name] of [
    [metrics.sourceOffset, 'offset'],
    [metrics.sourceDelay, 'delay'],
    [metrics.sourceJitter, 'jitter'],
    [metrics.sourceDispersion, 'dispersion'],
  ] as const) {
    const value = number(name);
    if (value !== undefined) yield metric.observe(milliseconds(value), { source });
  }
}

/** More sources than anybody has. */
const MOST = 100;

export default defineCollector({
  name: 'ntpd',
  summary: "ntpd: how far the system's clock is off, and what its sources say.",
  source: 'ntpd, by control messages as ntpq sends them',
  enabled: false,
  options,
  metrics,
  async *collect({ options, signal }) {
    const where = spoken(options);
    const questions = await openQuestions(options, signal);
    const ask = async (operation: 'list' | 'variables', association = 0): Promise<Buffer> => {
      const sequence = randomInt(2 ** 16);
      const answer = new ControlAnswer(sequence);
      try {
        const question = encodeControl(operation, sequence, association);
        return await questions.ask(question, (bytes) => answer.push(bytes));
      } catch (error) {
        if (error instanceof SyntaxError) {
          throw new ParseError(`${where}: it sent ${error.message}. Is this ntpd?`);
        }
        if (!(error instanceof NtpRefusal)) throw error;
        const said = `${where}: ${error.message}`;
        throw error.denied
          ? new AccessDenied(`${said}. Let this host ask: restrict.`)
          : new Foreseen(said);
      }
    };
    try {
      yield* observeSystem(where, variablesIn(await ask('variables')));
      const associations = associationsIn(await ask('list'));
      yield metrics.sources.observe(count(associations.length));
      const seen = new Set<string>();
      for (const { id, selection } of associations.slice(0, MOST)) {
        const variables = variablesIn(await ask('variables', id));
        const source = variables.get('srcadr') ?? '';
        if (seen.has(source)) continue;
        seen.add(source);
        yield* observeSource(selection, variables);
      }
    } finally {
      questions.close();
    }
  },
});
