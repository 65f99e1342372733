/**
 * logster's SquidLogster: responses, results and bytes per second, out of squid's access log.
 *
 * Format  squid's native one: `time elapsed client code/status bytes method URL user peer type`.
 * Mended  `size` is the bytes of the fifth column; logster adds up the second, which is the time that
 *         a request took. The status 000 of a request that nothing answered is in no class; in logster
 *         it is in 1xx. Rates keep their fractions. A run of no time divides by nothing.
 */
import { count, defineParser, gauge, type Line, bytes as sizeOf, z } from 'cullinan/plugin';
import { decoded } from 'cullinan/wire/bytes';
import { SquidLine } from 'cullinan/wire/squid-line';
import { epochTime, known } from 'cullinan/wire/timestamps';

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const RESULTS = ['TCP_MISS', 'TCP_DENIED', 'TCP_HIT', 'TCP_MEM_HIT', 'OTHER'] as const;

const responses = CLASSES.map((name) =>
  gauge(`http_${name}`, { unit: 'count', help: 'Responses per sec.' }),
);
const size = gauge('size', { unit: 'bytes', help: 'Size per sec.' });
const results = RESULTS.map((name) =>
  gauge(`squid_${name}`, { unit: 'count', help: 'Squid code per sec.' }),
);

export default defineParser({
  name: 'SquidLogster',
  summary: 'Responses, results and bytes per second, out of squid’s log, as logster has them.',
  source: 'squid, logformat squid',
  options: z.strictObject({}),
  metrics: () => [...responses, size, ...results],
  open() {
    const line = new SquidLine();
    const byClass = new Float64Array(CLASSES.length);
    const byResult = new Float64Array(RESULTS.length);
    let bytesSent = 0;
    return {
      parse({ bytes }: Line) {
        if (!line.read(bytes)) return false;
        // 000 is what squid writes where nothing was answered.
        const place = Math.floor(line.status / 100) - 1;
        if (place >= 0 && place < 5) byClass[place] = (byClass[place] ?? 0) + 1;
        const result = decoded(bytes, line.result, line.resultEnd);
        const found = (RESULTS as readonly string[]).indexOf(result);
        const known = found < 0 ? RESULTS.length - 1 : found;
        byResult[known] = (byResult[known] ?? 0) + 1;
        bytesSent += line.size;
        return true;
      },
      timeOf: ({ bytes }: Line) => known(epochTime(bytes)),
      *report(seconds) {
        for (const [i, metric] of responses.entries()) {
          yield metric.observe(count((byClass[i] ?? 0) / seconds));
        }
        yield size.observe(sizeOf(bytesSent / seconds));
        for (const [i, metric] of results.entries()) {
          yield metric.observe(count((byResult[i] ?? 0) / seconds));
        }
        byClass.fill(0);
        byResult.fill(0);
        bytesSent = 0;
      },
    };
  },
});
