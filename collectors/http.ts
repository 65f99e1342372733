/**
 * Checks of HTTP servers: whether they answer as expected, how long each part took, and until when their
 * certificates are valid.
 *
 * Source  One request for each target at each collection, over a new connection. No redirection is
 *         followed; at most 1 MiB of an answer is read. A server whose certificate is not trusted
 *         is asked nothing.
 * Units   Seconds, statuses, bytes; 1 for yes, 0 for no.
 * Access  The network.
 */
import { checkHttp, pageOptions, Untrusted, visit } from 'cullinan/net';
import {
  bytes,
  count,
  defineCollector,
  duration,
  each,
  gauge,
  NoData,
  named,
  type Observation,
  seconds,
  Unresponsive,
  z,
} from 'cullinan/plugin';

const { url, ...access } = pageOptions('http://localhost/');
const target = z
  .strictObject({
    url: url.removeDefault().describe('What is asked for.'),
    ...access,
    method: z.enum(['GET', 'HEAD', 'POST', 'OPTIONS']).default('GET').describe('How.'),
    headers: z
      .record(
        z.string().regex(/^[\w-]+$/, "must have a header's name"),
        z.string().regex(/^[\t -~]*$/),
      )
      .default({})
      .describe('Further headers of the request.'),
    body: z.string().optional().meta({ description: 'What is sent along.' }),
    status: z
      .array(z.int().min(100).max(599))
      .min(1)
      .default([200])
      .describe('The statuses that are expected.'),
    contains: z
      .array(z.string().min(1))
      .default([])
      .describe('Texts that the answer must contain.'),
    timeout: duration().prefault('5s').describe('Time until it must have answered.'),
  })
  .superRefine(checkHttp);
export type Target = z.output<typeof target>;

const options = z.strictObject({
  targets: named(target)
    .default({})
    .describe('What is checked, by a name for it: the label `target`.'),
});

const labels = ['target'] as const;
const metrics = {
  up: gauge('check.http.up', { unit: 'count', labels, help: '1 if it answered as expected.' }),
  result: gauge('check.http.result', {
    unit: 'count',
    labels: ['target', 'result'],
    help: '1 for what became of the check: ok, status, body, late, absent (nobody listens), untrusted, or failed.',
  }),
  status: gauge('check.http.status', { unit: 'count', labels, help: 'The status of the answer.' }),
  size: gauge('check.http.size', {
    unit: 'bytes',
    labels,
    help: 'The body of the answer; of a longer one its first 1 MiB.',
  }),
  time: gauge('check.http.time', { unit: 'seconds', labels, help: 'All parts together.' }),
  part: gauge('check.http.phase_time', {
    unit: 'seconds',
    labels: ['target', 'phase'],
    help: 'By phase: lookup, connect, tls, wait (until the answer began) and transfer.',
  }),
  expiry: gauge('check.http.certificate.expiry', {
    unit: 'seconds',
    labels,
    help: "Until the server's certificate expires; below 0 once it has.",
  }),
};

const RESULTS = ['ok', 'status', 'body', 'late', 'absent', 'untrusted', 'failed'] as const;
type Result = (typeof RESULTS)[number];

function* told(target: string, result: Result): Generator<Observation> {
  yield metrics.up.observe(count(result === 'ok' ? 1 : 0), { target });
  for (const each of RESULTS) {
    yield metrics.result.observe(count(each === result ? 1 : 0), { target, result: each });
  }
}

function failureOf(error: unknown): Result {
  if (error instanceof Unresponsive) return 'late';
  if (error instanceof NoData) return 'absent';
  return error instanceof Untrusted ? 'untrusted' : 'failed';
}

async function check(target: string, wanted: Target, now: number, signal: AbortSignal) {
  const observed: Observation[] = [];
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(wanted.timeout * 1000)]);
  let expires: number | undefined;
  try {
    const page = await visit(wanted, deadline);
    expires = page.expires;
    const expected = wanted.status.includes(page.status);
    const text = page.body.toString('utf8');
    const found = wanted.contains.every((part) => text.includes(part));
    observed.push(...told(target, expected ? (found ? 'ok' : 'body') : 'status'));
    observed.push(metrics.status.observe(count(page.status), { target }));
    observed.push(metrics.size.observe(bytes(page.body.length), { target }));
    let whole = 0;
    for (const [phase, took] of Object.entries(page.took)) {
      whole += took;
      if (phase === 'tls' && expires === undefined) continue;
      observed.push(metrics.part.observe(seconds(took), { target, phase }));
    }
    observed.push(metrics.time.observe(seconds(whole), { target }));
  } catch (error) {
    if (error instanceof Untrusted) expires = error.expires;
    observed.push(...told(target, failureOf(error)));
  }
  if (expires !== undefined) {
    observed.push(metrics.expiry.observe(seconds(expires - now), { target }));
  }
  return observed;
}

export default defineCollector({
  name: 'http',
  summary: 'Checks of HTTP servers: answers, time by phase, and the expiry of certificates.',
  source: 'the servers that it is given',
  enabled: false,
  options,
  metrics,
  collect: ({ options: { targets }, time, signal }) =>
    each('targets', targets, (name, target) => check(name, target, time, signal)),
});
