/**
 * HAProxy's log: sessions by frontend, backend and server, status, how they ended, and where the time went.
 *
 * Format  `option httplog` and `option tcplog`, behind syslog's head or without one. The time in a line is
 *         in the host's time zone.
 * Units   Sessions and bytes since the report before; times in seconds, of the stages that a session
 *         reached.
 */
import {
  bytes as bytesOf,
  count,
  defineParser,
  delta,
  gauge,
  type Line,
  type Metric,
  type Observation,
  seconds as secondsOf,
  z,
} from 'cullinan/plugin';
import { Distribution, statistics } from 'cullinan/wire/distribution';
import { HAPROXY_STAGES, HaproxyLine } from 'cullinan/wire/haproxy-line';
import { Tally } from 'cullinan/wire/tally';
import { clfTime, known } from 'cullinan/wire/timestamps';

const options = z.strictObject({
  percentiles: z
    .array(z.number().min(0).max(100))
    .default([50, 90, 99])
    .describe('Percentiles of times.'),
  limit: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Frontends, backends and servers that are told apart.'),
});

const by = <const L extends string>(name: string, label: L, help: string) =>
  delta(`haproxy.${name}`, { unit: 'count', labels: [label], help });

const metrics = {
  sessions: delta('haproxy.sessions', { unit: 'count', help: 'Requests, or sessions of TCP.' }),
  frontends: by('frontends', 'frontend', 'Sessions by frontend.'),
  backends: by('backends', 'backend', 'Sessions by backend.'),
  servers: by('servers', 'server', 'Sessions by backend and server: `app/app1`.'),
  classes: by('responses', 'class', 'Responses by class of status.'),
  states: by('states', 'state', 'Sessions by how they ended: `--` is well, `SC--` badly.'),
  sent: delta('haproxy.sent', { unit: 'bytes', help: 'Bytes sent to clients.' }),
  time: gauge('haproxy.time', {
    unit: 'seconds',
    labels: ['stage', 'statistic'],
    help: 'How long the stages of a session took, and all of it.',
  }),
};

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

export default defineParser({
  name: 'haproxy',
  summary: 'HAProxy’s log: sessions by frontend, backend, server, status and end, and their times.',
  source: 'HAProxy, option httplog and option tcplog',
  options,
  journal: 'syslog',
  metrics: (): readonly Metric[] => Object.values(metrics),
  open({ percentiles, limit }) {
    const line = new HaproxyLine();
    const frontends = new Tally({ limit });
    const backends = new Tally({ limit });
    const servers = new Tally({ limit });
    const states = new Tally({ limit: 60, longest: 4 });
    const byClass = new Float64Array(CLASSES.length);
    const stages = HAPROXY_STAGES.map((stage) => ({ stage, spread: new Distribution() }));
    let sessions = 0;
    let sent = 0;
    return {
      parse({ bytes }: Line) {
        if (!line.read(bytes)) return false;
        sessions += 1;
        sent += line.size;
        frontends.add(bytes, line.frontend, line.frontendEnd);
        backends.add(bytes, line.backend, line.backendEnd);
        servers.add(bytes, line.backend, line.serverEnd);
        states.add(bytes, line.state, line.stateEnd);
        const place = Math.floor(line.status / 100) - 1;
        if (place >= 0 && place < 5) byClass[place] = (byClass[place] ?? 0) + 1;
        for (const [i, { spread }] of stages.entries()) {
          const milliseconds = line.timers[i] ?? -1;
          if (milliseconds >= 0) spread.add(milliseconds / 1000);
        }
        return true;
      },
      timeOf: ({ bytes }: Line) =>
        line.read(bytes) ? known(clfTime(bytes, line.time)) : undefined,
      *report(): Generator<Observation> {
        yield metrics.sessions.observe(count(sessions));
        for (const [frontend, n] of frontends.take()) {
          yield metrics.frontends.observe(count(n), { frontend });
        }
        for (const [backend, n] of backends.take()) {
          yield metrics.backends.observe(count(n), { backend });
        }
        for (const [server, n] of servers.take()) {
          yield metrics.servers.observe(count(n), { server });
        }
        for (const [i, name] of CLASSES.entries()) {
          yield metrics.classes.observe(count(byClass[i] ?? 0), { class: name });
        }
        for (const [state, n] of states.take()) yield metrics.states.observe(count(n), { state });
        yield metrics.sent.observe(bytesOf(sent));
        for (const { stage, spread } of stages) {
          for (const [statistic, value] of statistics(spread, percentiles)) {
            yield metrics.time.observe(secondsOf(value), { stage, statistic });
          }
          spread.clear();
        }
        byClass.fill(0);
        sessions = 0;
        sent = 0;
      },
    };
  },
});
