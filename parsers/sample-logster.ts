/**
 * logster's SampleLogster: responses per second by class of status, out of an access log.
 *
 * Format  Any that has the request as `"GET / HTTP/1.1"` and the status behind it: Apache's common,
 *         combined and vhost_combined, nginx's combined.
 * Mended  Requests of HTTP/2 and HTTP/3 count; logster knew HTTP/1. The first request of a line is
 *         what counts, so that no user agent can pass for one. A run of no time divides by nothing.
 */
import { count, defineParser, gauge, type Line, z } from 'cullinan/plugin';
import { encoded, indexOfWord, wholeAt } from 'cullinan/wire/bytes';
import { clfTime, known } from 'cullinan/wire/timestamps';

const HTTP = encoded('HTTP/');
const QUOTE = 34;
const SPACE = 32;
const BRACKET = 91;

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const metrics = CLASSES.map((name) =>
  gauge(`http_${name}`, { unit: 'count', help: 'Responses per sec.' }),
);

/** The status behind the request; NaN where there is none. */
export function statusOf(bytes: Uint8Array): number {
  for (let at = indexOfWord(bytes, HTTP); at >= 0; at = indexOfWord(bytes, HTTP, at)) {
    at += HTTP.length;
    const version = at;
    // Of `1.1` and of `2`.
    while (at - version < 3 && ((bytes[at] ?? 0) === 46 || ((bytes[at] ?? 0) - 48) >>> 0 <= 9))
      at += 1;
    if (at === version || bytes[at] !== QUOTE || bytes[at + 1] !== SPACE) continue;
    const after = bytes[at + 5];
    const status = wholeAt(bytes, at + 2, Math.min(bytes.length, at + 5));
    if (status >= 100 && status <= 599 && (after === undefined || after === SPACE)) return status;
  }
  return Number.NaN;
}

export default defineParser({
  name: 'SampleLogster',
  summary: 'Responses per second by class of status, out of an access log, as logster has them.',
  source: 'Apache httpd, mod_log_config: common and combined',
  options: z.strictObject({}),
  metrics: () => metrics,
  needles: () => ['HTTP/'],
  open() {
    const counts = new Float64Array(CLASSES.length);
    return {
      parse({ bytes }: Line) {
        const status = statusOf(bytes);
        if (Number.isNaN(status)) return false;
        const place = Math.floor(status / 100) - 1;
        counts[place] = (counts[place] ?? 0) + 1;
        return true;
      },
      timeOf({ bytes }: Line) {
        const at = bytes.indexOf(BRACKET);
        return at === -1 ? undefined : known(clfTime(bytes, at + 1));
      },
      *report(seconds) {
        for (const [i, metric] of metrics.entries()) {
          yield metric.observe(count((counts[i] ?? 0) / seconds));
        }
        counts.fill(0);
      },
    };
  },
});
