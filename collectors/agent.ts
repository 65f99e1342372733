/**
 * The agent itself: its collectors, its handlers' books, its clock, and what it costs the host.
 *
 * Source  The agent's own counts. Each handler's books balance at every moment:
 *         observed = delivered + queued + dropped.
 * Units   Counts and seconds since the agent was started; memory is resident memory.
 * Access  None needed.
 */
import {
  bytes,
  count,
  counter,
  DROP_REASONS,
  defineCollector,
  gauge,
  OUTCOMES,
  seconds,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({});

const collector = ['collector'] as const;
const handler = ['handler'] as const;
const metrics = {
  runs: counter('cullinan.collector.runs', {
    unit: 'count',
    labels: ['collector', 'outcome'],
    help: 'Collections, by how they ended.',
  }),
  time: counter('cullinan.collector.time', {
    unit: 'seconds',
    labels: collector,
    help: 'Time spent collecting, waiting included.',
  }),
  series: gauge('cullinan.collector.series', {
    unit: 'count',
    labels: collector,
    help: 'Series that live now.',
  }),
  refused: counter('cullinan.collector.refused', {
    unit: 'count',
    labels: collector,
    help: 'Observations left out by the cap on new series.',
  }),
  observed: counter('cullinan.handler.observed', {
    unit: 'count',
    labels: handler,
    help: 'Points routed to the handler.',
  }),
  delivered: counter('cullinan.handler.delivered', {
    unit: 'count',
    labels: handler,
    help: 'Points its peer has taken; without acknowledgements, the kernel.',
  }),
  resent: counter('cullinan.handler.resent', {
    unit: 'count',
    labels: handler,
    help: 'Points sent once more after a broken connection.',
  }),
  failures: counter('cullinan.handler.failures', {
    unit: 'count',
    labels: handler,
    help: 'Connections and writes that failed.',
  }),
  queued: gauge('cullinan.handler.queued', {
    unit: 'count',
    labels: handler,
    help: 'Points that wait or are being written.',
  }),
  dropped: counter('cullinan.handler.dropped', {
    unit: 'count',
    labels: ['handler', 'reason'],
    help: 'Points that will never be delivered, by reason.',
  }),
  connected: gauge('cullinan.handler.connected', {
    unit: 'count',
    labels: handler,
    help: '1 while connected, else 0.',
  }),
  clockSteps: counter('cullinan.schedule.clock_steps', {
    unit: 'count',
    help: 'Times somebody set the clock.',
  }),
  suspends: counter('cullinan.schedule.suspends', {
    unit: 'count',
    help: 'Times the machine slept.',
  }),
  lateTicks: counter('cullinan.schedule.late_ticks', {
    unit: 'count',
    help: 'Ticks that came too late for their slot.',
  }),
  resets: counter('cullinan.counter_resets', {
    unit: 'count',
    help: 'Counters that went backwards; such an interval has no rate.',
  }),
  lag: gauge('cullinan.event_loop.lag', {
    unit: 'seconds',
    help: 'The longest the event loop was held up since the collection before.',
  }),
  memory: gauge('cullinan.process.memory', { unit: 'bytes', help: 'Resident memory.' }),
  cpu: counter('cullinan.process.cpu.time', {
    unit: 'seconds',
    labels: ['state'],
    help: 'CPU time the agent has used: user, system.',
  }),
};

export default defineCollector({
  name: 'agent',
  summary: "The agent itself: its collectors, its handlers' books, its clock and what it costs.",
  source: 'the agent itself',
  options,
  metrics,
  *collect({ agent }) {
    for (const { name, outcomes, seconds: time, series, refused } of agent.collectors) {
      const of = { collector: name };
      for (const outcome of OUTCOMES) {
        yield metrics.runs.observe(count(outcomes[outcome]), { collector: name, outcome });
      }
      yield metrics.time.observe(seconds(time), of);
      yield metrics.series.observe(count(series), of);
      yield metrics.refused.observe(count(refused), of);
    }
    for (const handler of agent.handlers) {
      const of = { handler: handler.name };
      yield metrics.observed.observe(count(handler.observed), of);
      yield metrics.delivered.observe(count(handler.delivered), of);
      yield metrics.resent.observe(count(handler.resent), of);
      yield metrics.failures.observe(count(handler.failures), of);
      yield metrics.queued.observe(count(handler.queued), of);
      for (const reason of DROP_REASONS) {
        const dropped = count(handler.dropped[reason]);
        yield metrics.dropped.observe(dropped, { handler: handler.name, reason });
      }
      yield metrics.connected.observe(count(handler.connected ? 1 : 0), of);
    }
    yield metrics.clockSteps.observe(count(agent.schedule.clockSteps));
    yield metrics.suspends.observe(count(agent.schedule.suspends));
    yield metrics.lateTicks.observe(count(agent.schedule.lateTicks));
    yield metrics.resets.observe(count(agent.counterResets));
    yield metrics.lag.observe(seconds(agent.eventLoopLag));
    yield metrics.memory.observe(bytes(agent.residentMemory));
    yield metrics.cpu.observe(seconds(agent.cpu.user), { state: 'user' });
    yield metrics.cpu.observe(seconds(agent.cpu.system), { state: 'system' });
  },
});
