/**
 * The agent itself: its collectors, its handlers' books, its clock, and what it costs the host.
 *
 * Source  The agent's own counts. Each handler's books balance at every moment:
 *         observed = delivered + queued + spooled + dropped.
 * Units   Counts and seconds since the agent was started; memory is resident memory.
 * Access  None needed.
 */
import {
  type AgentStatus,
  bytes,
  count,
  counter,
  DROP_REASONS,
  defineCollector,
  gauge,
  Observations,
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
    help: 'Points that wait in memory or are being written.',
  }),
  spooled: gauge('cullinan.handler.spooled', {
    unit: 'count',
    labels: handler,
    help: 'Points that wait on disk.',
  }),
  dropped: counter('cullinan.handler.dropped', {
    unit: 'count',
    labels: ['handler', 'reason'],
    help: 'Points that will never be delivered, by reason.',
  }),
  counted: counter('cullinan.handler.counted', {
    unit: 'count',
    labels: ['handler', 'what'],
    help: 'What a handler counts besides points, such as packets that it could not read.',
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

const USER = { state: 'user' };
const SYSTEM = { state: 'system' };

/** Labels, made once for each name. */
function remembered<T>(make: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const made = make(name);
    known.set(name, made);
    return made;
  };
}

export default defineCollector({
  name: 'agent',
  summary: "The agent itself: its collectors, its handlers' books, its clock and what it costs.",
  source: 'the agent itself',
  options,
  metrics,
  open: () => {
    const collectors = remembered((collector) => ({
      of: { collector },
      outcomes: OUTCOMES.map((outcome) => ({ outcome, of: { collector, outcome } })),
    }));
    const handlers = remembered((handler) => ({
      of: { handler },
      reasons: DROP_REASONS.map((reason) => ({ reason, of: { handler, reason } })),
    }));
    const seen = new Observations();
    return {
      collect({ agent }) {
        seen.clear();
        for (const collector of agent.collectors) {
          const { of, outcomes } = collectors(collector.name);
          for (const { outcome, of } of outcomes) {
            seen.add(metrics.runs, count(collector.outcomes[outcome]), of);
          }
          seen.add(metrics.time, seconds(collector.seconds), of);
          seen.add(metrics.series, count(collector.series), of);
          seen.add(metrics.refused, count(collector.refused), of);
        }
        for (const handler of agent.handlers) {
          const { of, reasons } = handlers(handler.name);
          seen.add(metrics.observed, count(handler.observed), of);
          seen.add(metrics.delivered, count(handler.delivered), of);
          seen.add(metrics.resent, count(handler.resent), of);
          seen.add(metrics.failures, count(handler.failures), of);
          seen.add(metrics.queued, count(handler.queued), of);
          seen.add(metrics.spooled, count(handler.spooled), of);
          for (const { reason, of } of reasons) {
            seen.add(metrics.dropped, count(handler.dropped[reason]), of);
          }
          seen.add(metrics.connected, count(handler.connected ? 1 : 0), of);
          for (const [what, total] of Object.entries(handler.counts ?? {})) {
            seen.add(metrics.counted, count(total), { handler: handler.name, what });
          }
        }
        observeProcess(seen, agent);
        return seen;
      },
      close: () => undefined,
    };
  },
});

function observeProcess(seen: Observations, agent: AgentStatus) {
  const { schedule, cpu } = agent;
  seen.add(metrics.clockSteps, count(schedule.clockSteps));
  seen.add(metrics.suspends, count(schedule.suspends));
  seen.add(metrics.lateTicks, count(schedule.lateTicks));
  seen.add(metrics.resets, count(agent.counterResets));
  seen.add(metrics.lag, seconds(agent.eventLoopLag));
  seen.add(metrics.memory, bytes(agent.residentMemory));
  seen.add(metrics.cpu, seconds(cpu.user), USER);
  seen.add(metrics.cpu, seconds(cpu.system), SYSTEM);
}
