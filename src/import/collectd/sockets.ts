import type { Value } from '../draft.ts';
import type { Asked } from './asked.ts';
import type { Block } from './block.ts';
import type { Observer } from './observer.ts';

/** One more collector push; where it is. */
function push({ draft }: Block, asked: Asked, at: string, format: string, lines: Block): string[] {
  const name = draft.has(['collectors', 'push']) ? 'push-2' : 'push';
  const path = ['collectors', name];
  if (name !== 'push') draft.set([...path, 'type'], 'push');
  draft.set([...path, 'enabled'], true);
  const listen: readonly Value[] = [{ at, format }];
  draft.set([...path, 'listen'], listen, lines.lines('Host', 'Port', 'SocketFile'));
  asked.only.push(`collector:${name}`);
  asked.instances.push(name);
  if (format === 'collectd') asked.typed.push(name);
  return path;
}

/** What is said of timers beside percentiles is said of all. */
const TIMERS = ['TimerLower', 'TimerUpper', 'TimerSum', 'TimerCount', 'TimerBucket'];

export const statsd: Observer = {
  collectors: [],
  only: [],
  options(block, asked) {
    const { draft } = block;
    const host = block.text('Host') ?? '::';
    const written = host.includes(':') ? `[${host}]` : host;
    const path = push(
      block,
      asked,
      `udp:${written}:${block.number('Port') ?? 8125}`,
      'statsd',
      block,
    );
    draft.note(
      path,
      'Names are those that were sent, and not statsd/derive-…. Whoever reaches this port may send: 127.0.0.1 is for programs on this host alone.',
    );
    const percentiles = block.all('TimerPercentile').map(({ values }) => Number(values[0]));
    const good = percentiles.every((each) => each >= 0 && each <= 100);
    if (good) draft.set([...path, 'percentiles'], percentiles, block.lines('TimerPercentile'));
    block.expect('TimerPercentile', good, 'it is a number from 0 to 100');
    const forgotten = 'what nobody mentions for thirty ticks is forgotten, and no sooner';
    for (const key of ['DeleteCounters', 'DeleteTimers', 'DeleteGauges', 'DeleteSets'])
      block.expect(key, block.truth(key) === false, forgotten);
    const sum = block.truth('CounterSum') === false;
    block.expect('CounterSum', sum, 'counters: deltas of a handler sends what they grew by');
    for (const key of TIMERS)
      block.expect(
        key,
        block.truth(key) === true,
        'of a timer count, sum, mean, min and max are told',
      );
  },
};

export const unixsock: Observer = {
  collectors: [],
  only: [],
  options(block, asked) {
    const file = block.text('SocketFile') ?? '/run/collectd-unixsock';
    const path = push(block, asked, `unix:${file}`, 'collectd', block);
    block.draft.note(
      path,
      'PUTVAL and PUTNOTIF are taken; what is observed is asked for by cullinan tap and top, not by GETVAL. The agent has to be able to write to the folder of the socket.',
    );
    const mode = block.text('SocketPerms');
    block.put([...path, 'mode'], 'SocketPerms', mode?.replace(/^0+(?=\d{3}$)/, ''));
    block.leave('it is the group of the agent: its unit says which', 'SocketGroup');
    // A socket that an agent left behind is taken over.
    block.draft.carry(block.lines('DeleteSocket'));
  },
};
