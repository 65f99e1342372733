/**
 * Checks of TCP ports: whether they take connections and greet as expected, how long that takes, and until
 * when their certificates are valid.
 *
 * Source  One connection to each target at each collection; it is ended at once, or as soon as the expected text
 *         has come, or 4 KiB without it. Nothing is sent but what `send` has, and nothing to a server whose
 *         certificate is not trusted.
 * Units   Seconds; 1 for yes, 0 for no.
 * Access  The network.
 */
import { reach, tls } from 'cullinan/net';
import {
  count,
  defineCollector,
  duration,
  each,
  Foreseen,
  gauge,
  NoData,
  named,
  type Observation,
  port,
  seconds,
  Unresponsive,
  z,
} from 'cullinan/plugin';

const target = z.strictObject({
  host: z.string().min(1).describe('A name or an address.'),
  port: port.describe('Its port.'),
  tls: tls().optional().meta({ description: 'Speak TLS from the beginning.', fallback: 'no TLS' }),
  send: z.string().optional().meta({ description: 'What is sent once connected.' }),
  expect: z.string().min(1).max(1000).optional().meta({
    description: 'A text that must be in what the server says first, within 4 KiB.',
    fallback: 'nothing is waited for',
  }),
  timeout: duration().prefault('5s').describe('Time until it must be as expected.'),
});
export type Target = z.output<typeof target>;

const options = z.strictObject({
  targets: named(target)
    .default({})
    .describe('What is checked, by a name for it: the label `target`.'),
});

const labels = ['target'] as const;
const metrics = {
  up: gauge('check.tcp.up', {
    unit: 'count',
    labels,
    help: '1 if it took the connection and greeted as expected.',
  }),
  result: gauge('check.tcp.result', {
    unit: 'count',
    labels: ['target', 'result'],
    help: '1 for what became of the check: ok, banner, late, absent (nobody listens), untrusted, or failed.',
  }),
  time: gauge('check.tcp.time', { unit: 'seconds', labels, help: 'All that was waited for.' }),
  part: gauge('check.tcp.phase_time', {
    unit: 'seconds',
    labels: ['target', 'phase'],
    help: 'By phase: lookup, connect, tls and banner.',
  }),
  expiry: gauge('check.tcp.certificate.expiry', {
    unit: 'seconds',
    labels,
    help: "Until the server's certificate expires; below 0 once it has.",
  }),
};

const RESULTS = ['ok', 'banner', 'late', 'absent', 'untrusted', 'failed'] as const;
type Result = (typeof RESULTS)[number];
/** Bytes of a greeting that are looked through. */
const GREETING = 4096;

/** Waits for a text, and tells whether it came. */
function greeted(
  socket: Awaited<ReturnType<typeof reach>>['socket'],
  text: string,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let said = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      said = Buffer.concat([said, bytes.subarray(0, GREETING - said.length)]);
      if (said.includes(text)) resolve(true);
      else if (said.length >= GREETING) resolve(false);
    });
    socket.once('end', () => resolve(false));
    socket.once('close', () => {
      reject(signal.aborted ? new Unresponsive('no greeting in time') : new Foreseen('broken off'));
    });
  });
}

async function check(target: string, wanted: Target, now: number, signal: AbortSignal) {
  const observed: Observation[] = [];
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(wanted.timeout * 1000)]);
  let result: Result = 'ok';
  try {
    const { socket, took, certificate } = await reach(wanted, deadline);
    try {
      const phases: Record<string, number> = { lookup: took.lookup, connect: took.connect };
      if (certificate !== undefined) {
        phases['tls'] = took.tls;
        observed.push(metrics.expiry.observe(seconds(certificate.expires - now), { target }));
      }
      if (certificate?.trouble !== undefined) result = 'untrusted';
      else {
        const connected = process.uptime();
        if (wanted.send !== undefined) socket.write(wanted.send);
        if (wanted.expect !== undefined) {
          if (!(await greeted(socket, wanted.expect, deadline))) result = 'banner';
          phases['banner'] = process.uptime() - connected;
        }
        const whole = Object.values(phases).reduce((sum, took) => sum + took, 0);
        observed.push(metrics.time.observe(seconds(whole), { target }));
        for (const [phase, took] of Object.entries(phases)) {
          observed.push(metrics.part.observe(seconds(took), { target, phase }));
        }
      }
    } finally {
      socket.destroy();
    }
  } catch (error) {
    if (error instanceof Unresponsive) result = 'late';
    else result = error instanceof NoData ? 'absent' : 'failed';
  }
  observed.push(metrics.up.observe(count(result === 'ok' ? 1 : 0), { target }));
  for (const each of RESULTS) {
    observed.push(metrics.result.observe(count(each === result ? 1 : 0), { target, result: each }));
  }
  return observed;
}

export default defineCollector({
  name: 'tcp',
  summary: 'Checks of TCP ports: whether they answer, how fast, and the expiry of certificates.',
  source: 'the servers that it is given',
  enabled: false,
  options,
  metrics,
  collect: ({ options: { targets }, time, signal }) =>
    each('targets', targets, (name, target) => check(name, target, time, signal)),
});
