/**
 * What each CPU did with packets that came in from the network.
 *
 * Source  /proc/net/softnet_stat: a line per CPU of hexadecimal numbers of 32 bits: packets, dropped, out
 *         of time, …; since Linux 5.10 the 13th says which CPU it is (net/core/net-procfs.c).
 * Units   Packets and times.
 * Access  World-readable.
 */
import { count, counter, defineCollector, ParseError, z } from 'cullinan/plugin';

const FILE = 'net/softnet_stat';

const options = z.strictObject({
  cpus: z.int().min(1).max(4096).default(256).describe('CPUs that are observed at most.'),
});

const metrics = {
  packets: counter('softnet.packets', {
    unit: 'count',
    labels: ['cpu'],
    help: 'Packets that the CPU took in.',
  }),
  dropped: counter('softnet.dropped', {
    unit: 'count',
    labels: ['cpu'],
    help: 'Packets that it dropped because too many waited.',
  }),
  squeezed: counter('softnet.squeezed', {
    unit: 'count',
    labels: ['cpu'],
    help: 'Times it had to stop with packets left to take in.',
  }),
};

/** A row for each CPU. */
export function parse(text: string) {
  return text
    .trimEnd()
    .split('\n')
    .map((line, i) => {
      const words = line.split(' ');
      if (words.length < 3 || !words.every((word) => /^[0-9a-f]{8}$/.test(word))) {
        throw new ParseError(
          `/proc/${FILE} line ${i + 1}: "${line.slice(0, 80)}" is no row of hexadecimal numbers`,
        );
      }
      const [packets = 0, dropped = 0, squeezed = 0] = words.map((word) => Number(`0x${word}`));
      const cpu = words[12] === undefined ? i : Number(`0x${words[12]}`);
      return { cpu: String(cpu), packets, dropped, squeezed };
    });
}

export default defineCollector({
  api: '1.0',
  name: 'softnet',
  summary: 'What each CPU did with packets that came in from the network.',
  source: `/proc/${FILE}`,
  options,
  metrics,
  *collect({ host, options }) {
    const rows = parse(host.proc.read(FILE));
    for (const { cpu, packets, dropped, squeezed } of rows.slice(0, options.cpus)) {
      yield metrics.packets.observe(count(packets), { cpu });
      yield metrics.dropped.observe(count(dropped), { cpu });
      yield metrics.squeezed.observe(count(squeezed), { cpu });
    }
  },
});
