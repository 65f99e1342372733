/**
 * Access logs of Apache, nginx and all that write as they do: requests by status, method, path and
 * host, bytes sent, and how long requests took.
 *
 * Format  Any LogFormat of Apache's mod_log_config, any log_format of nginx, either as the server's
 *         configuration has it, or a name: `common`, `combined` (which reads common, too),
 *         `vhost_common`, `vhost_combined`.
 * Units   Requests and bytes since the report before; times in seconds, as mean, least, most and
 *         percentiles, where the format has them.
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
  type Piece,
  pieceOf,
  seconds as secondsOf,
  z,
} from 'cullinan/plugin';
import { AccessLine, fieldNumber, formatProblem, sumOf } from 'cullinan/wire/access-log';
import { decimalAt, indexOfByte } from 'cullinan/wire/bytes';
import { Distribution, statistics } from 'cullinan/wire/distribution';
import { glob } from 'cullinan/wire/lookup';
import { OTHER, Tally } from 'cullinan/wire/tally';
import { clfTime, epochTime, isoTime, known } from 'cullinan/wire/timestamps';

const options = z.strictObject({
  format: z
    .string()
    .superRefine((format, context) => {
      const message = formatProblem(format);
      if (message) context.addIssue({ code: 'custom', message });
    })
    .default('combined')
    .describe('The LogFormat or log_format of the log, or its name.'),
  percentiles: z
    .array(z.number().min(0).max(100))
    .default([50, 90, 95, 99])
    .describe('Percentiles of the times that requests took.'),
  paths: z
    .array(z.string())
    .default([])
    .describe('Paths to count requests of: `/api/*`. The first that fits counts.'),
  topPaths: z
    .int()
    .min(0)
    .max(1000)
    .default(0)
    .describe(
      'How many of the most frequent paths to tell apart, beyond those of `paths`; the rest is `other`. Which they are ' +
        'is approximate: the most frequent among the first paths between two reports, twenty times as many as these, ' +
        'and one that was told apart keeps its place for as long as it is asked for. Each is counted exactly, but for one ' +
        'that first comes when there are so many already.',
    ),
});

const metrics = {
  requests: delta('access.requests', { unit: 'count', help: 'Requests.' }),
  classes: delta('access.responses', {
    unit: 'count',
    labels: ['class'],
    help: 'Responses by class of status; `other` where it is of none, such as 000 and 999.',
  }),
  statuses: delta('access.status', {
    unit: 'count',
    labels: ['status'],
    help: 'Responses by status; `none` where there was none: the client had left.',
  }),
  methods: delta('access.methods', {
    unit: 'count',
    labels: ['method'],
    help: 'Requests by method; `none` where what came was no request.',
  }),
  paths: delta('access.paths', { unit: 'count', labels: ['path'], help: 'Requests by path.' }),
  vhosts: delta('access.vhosts', { unit: 'count', labels: ['vhost'], help: 'Requests by host.' }),
  sent: delta('access.sent', { unit: 'bytes', help: 'Bytes sent.' }),
  received: delta('access.received', {
    unit: 'bytes',
    help: 'Bytes received, where the format has them: %I, $request_length.',
  }),
  time: gauge('access.time', {
    unit: 'seconds',
    labels: ['statistic'],
    help: 'How long requests took.',
  }),
  upstream: gauge('access.upstream_time', {
    unit: 'seconds',
    labels: ['statistic'],
    help: 'How long the servers behind nginx took.',
  }),
};

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const SPACE = 32;
const QUESTION = 63;
const DASH = 45;
const A = 65;
const Z = 90;
const [VHOST, TIME, ISO, EPOCH, REQUEST, METHOD, PATH, STATUS, BYTES, RECEIVED, UPSTREAM] = (
  [
    'vhost',
    'time',
    'iso',
    'epoch',
    'request',
    'method',
    'path',
    'status',
    'bytes',
    'received',
    'upstream',
  ] as const
).map(fieldNumber) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** Bytes that are more than a time with a zone takes, and digits of its second. */
const LONGEST_TIME = 48;

/** Places in what is added up, and how many there are. */
const [REQUESTS, SENT, RECEIVED_BYTES, SUMS] = [0, 1, 2, 3] as const;

function add(sums: Float64Array, place: number, amount: number): void {
  sums[place] = (sums[place] as number) + amount;
}

/** Where responses without a status are counted. */
const NONE = 0;

/** The field that says how long a request took, and its seconds. */
const TIMES = [
  ['microseconds', 1e-6],
  ['milliseconds', 1e-3],
  ['seconds', 1],
] as const;

export default defineParser({
  name: 'access',
  summary: 'Access logs of Apache and nginx: requests by status, method and path, bytes and times.',
  source: 'Apache httpd, mod_log_config; nginx, ngx_http_log_module',
  options,
  metrics: (): readonly Metric[] => Object.values(metrics),
  open({ format, percentiles, paths, topPaths }) {
    const line = new AccessLine(format);
    const timed = TIMES.find(([field]) => line.has(field));
    const timeField = timed === undefined ? -1 : fieldNumber(timed[0]);
    const unit = timed?.[1] ?? 1;
    const [hasUpstream, hasVhost, hasRequest, hasMethod, hasPath, hasReceived] = (
      ['upstream', 'vhost', 'request', 'method', 'path', 'received'] as const
    ).map((field) => line.has(field));
    const wantsPaths = (hasRequest || hasPath) && (paths.length > 0 || topPaths > 0);
    const patterns = [...new Set(paths)].map((pattern) => ({
      pattern,
      fits: glob(pattern),
      seen: 0,
    }));

    const statuses = new Float64Array(1000);
    const everSeen = new Set<number>();
    const methods = new Tally({ limit: 20, longest: 16 });
    const topmost = new Tally({ limit: topPaths || 1, candidates: topPaths * 20 });
    const vhosts = new Tally({ limit: 100 });
    const times = new Distribution();
    const upstream = new Distribution();
    /** Statuses that are of no class have been seen. */
    let hasOther = false;
    // Sums beyond 2^30 would each time be a new number on the heap.
    const sums = new Float64Array(SUMS);

    function path(bytes: Uint8Array, from: number, end: number): void {
      const to = indexOfByte(bytes, QUESTION, from, end);
      for (const pattern of patterns) {
        if (!pattern.fits(bytes, from, to)) continue;
        pattern.seen += 1;
        return;
      }
      if (topPaths > 0) topmost.add(bytes, from, to);
      else topmost.addOther();
    }

    /** The method that begins at a place, if it is one; nginx and Apache log what was no request, too. */
    function method({ bytes, view }: Piece, from: number, end: number): number {
      let at = from;
      while (at < end && (bytes[at] as number) >= A && (bytes[at] as number) <= Z) at += 1;
      const ends = at > from && (at === end || bytes[at] === SPACE);
      if (ends) methods.addIn(view, from, at);
      else methods.addText('none');
      return ends && at < end ? at + 1 : -1;
    }

    function parseAt(piece: Piece, start: number, end: number): boolean {
      const { bytes, characters } = piece;
      if (!line.read(bytes, start, end, characters)) return false;
      let status = line.number(STATUS);
      if (!(status >= 100 && status <= 999)) {
        // `000` of nginx and `-` of Apache: nobody waited for one.
        if (!(status < 100) && bytes[line.from(STATUS)] !== DASH) return false;
        status = NONE;
      }
      add(sums, REQUESTS, 1);
      statuses[status] = (statuses[status] as number) + 1;
      // `-` for none.
      const size = line.number(BYTES);
      if (size > 0) add(sums, SENT, size);
      if (hasRequest) {
        const to = line.to(REQUEST);
        const from = method(piece, line.from(REQUEST), to);
        if (wantsPaths && from >= 0) path(bytes, from, indexOfByte(bytes, SPACE, from, to));
      } else {
        if (hasMethod) method(piece, line.from(METHOD), line.to(METHOD));
        if (wantsPaths) path(bytes, line.from(PATH), line.to(PATH));
      }
      if (timeField >= 0) {
        times.add(decimalAt(bytes, line.from(timeField), line.to(timeField)) * unit);
      }
      if (hasVhost) vhosts.add(bytes, line.from(VHOST), line.to(VHOST));
      if (hasUpstream) upstream.add(sumOf(bytes, line.from(UPSTREAM), line.to(UPSTREAM)));
      if (hasReceived) {
        const size = line.number(RECEIVED);
        if (size > 0) add(sums, RECEIVED_BYTES, size);
      }
      return true;
    }

    /** When the line was written that was read; nothing may stand behind it in the bytes that its time might run on into. */
    function timeIn(bytes: Uint8Array): number | undefined {
      if (line.has('time')) return known(clfTime(bytes, line.from(TIME)));
      if (line.has('iso')) return known(isoTime(bytes, line.from(ISO)));
      return line.has('epoch') ? known(epochTime(bytes, line.from(EPOCH))) : undefined;
    }

    function timeAt({ bytes, characters }: Piece, from: number, end: number): number | undefined {
      if (!line.read(bytes, from, end, characters)) return undefined;
      // Nothing of the next line may count where this one ends within or soon after its time.
      const ends = !line.has('time') || end - line.from(TIME) < LONGEST_TIME;
      return timeIn(ends ? bytes.subarray(0, end) : bytes);
    }

    return {
      parse({ bytes }: Line) {
        return parseAt(pieceOf(bytes), 0, bytes.length);
      },
      parseAt,
      timeOf({ bytes }: Line) {
        return line.read(bytes) ? timeIn(bytes) : undefined;
      },
      timeAt,
      *report(): Generator<Observation> {
        const [requests = 0, sent = 0, received = 0] = sums;
        yield metrics.requests.observe(count(requests));
        let inClasses = 0;
        for (const [i, name] of CLASSES.entries()) {
          const sum = statuses.subarray(i * 100 + 100, i * 100 + 200).reduce((a, b) => a + b, 0);
          yield metrics.classes.observe(count(sum), { class: name });
          inClasses += sum;
        }
        hasOther ||= requests > inClasses;
        if (hasOther) yield metrics.classes.observe(count(requests - inClasses), { class: OTHER });
        for (const [status, seen] of statuses.entries()) {
          if (seen > 0) everSeen.add(status);
          if (!everSeen.has(status)) continue;
          yield metrics.statuses.observe(count(seen), {
            status: status === NONE ? 'none' : `${status}`,
          });
        }
        for (const [method, seen] of methods.take()) {
          yield metrics.methods.observe(count(seen), { method });
        }
        if (line.has('bytes')) yield metrics.sent.observe(bytesOf(sent));
        if (hasReceived) yield metrics.received.observe(bytesOf(received));
        const fixed = patterns.map(({ pattern, seen }) => [pattern, seen] as const);
        for (const [name, seen] of wantsPaths ? new Map([...topmost.take(), ...fixed]) : []) {
          yield metrics.paths.observe(count(seen), { path: name });
        }
        if (hasVhost) {
          for (const [vhost, seen] of vhosts.take()) {
            yield metrics.vhosts.observe(count(seen), { vhost });
          }
        }
        for (const [statistic, value] of statistics(times, percentiles)) {
          yield metrics.time.observe(secondsOf(value), { statistic });
        }
        for (const [statistic, value] of statistics(upstream, percentiles)) {
          yield metrics.upstream.observe(secondsOf(value), { statistic });
        }
        for (const pattern of patterns) pattern.seen = 0;
        statuses.fill(0);
        times.clear();
        upstream.clear();
        sums.fill(0);
      },
    };
  },
});
