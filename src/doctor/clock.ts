import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { endpoint } from '../net/index.ts';
import { decodeSntp, encodeSntp } from '../wire/sntp.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';
import { output } from './output.ts';

/** Milliseconds for a server or a daemon of this host. */
const PATIENCE = 2000;
/** Milliseconds by which a clock may be off that nobody notices in points every ten seconds. */
const FINE = 1000;
const BAD = 5000;
/** The Date of HTTP is in whole seconds, and took its time. */
const COARSE = 2000;

/** What is known of other clocks than this host's. */
export interface Clocks {
  /** A server to ask, as `host` or `host:port`. */
  readonly ntp: string | undefined;
  /** By how many milliseconds peers are ahead, by whom. */
  readonly peers: readonly { readonly name: string; readonly ahead: number }[];
}

/**
 * Whether this host's clock is right. The kernel is not asked itself (adjtimex(2) is nothing that Node
 * calls): who keeps the clock is, then whoever told its own time.
 */
export async function checkClock({ ntp, peers }: Clocks): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  if (ntp !== undefined) findings.push(await askServer(ntp));
  const kept = (await askChrony()) ?? (await askSystemd());
  if (kept !== undefined) findings.push(kept);
  for (const { name, ahead } of peers) findings.push(compared(`Date of ${name}`, ahead, COARSE));
  if (findings.length > 0) return findings;
  return [
    warning({
      check: 'clock',
      found: 'nothing on this host says whether its clock is right',
      remedy:
        'Have chrony or systemd-timesyncd keep it; or compare it: cullinan doctor --ntp <server>',
    }),
  ];
}

function compared(subject: string, ahead: number, coarse = 0): Finding {
  const off = Math.abs(ahead);
  const seconds = (off / 1000).toFixed(coarse === 0 ? 3 : 0);
  const said = { check: 'clock', subject };
  const found = `this host's clock is ${seconds} s ${ahead > 0 ? 'behind' : 'ahead'}`;
  const remedy =
    'Points are stamped with this clock, and land in the wrong slot, or in none. Set it, and have chrony or systemd-timesyncd keep it.';
  if (off <= FINE + coarse) return ok({ ...said, found });
  return off <= BAD ? warning({ ...said, found, remedy }) : problem({ ...said, found, remedy });
}

async function askServer(text: string): Promise<Finding> {
  const at = endpoint(text, 123);
  try {
    if (at === undefined) throw new Error('it is neither host nor host:port');
    return compared(`NTP ${text}`, await offsetOf(at));
  } catch (error) {
    return warning({
      check: 'clock',
      subject: `NTP ${text}`,
      found: `it does not tell the time: ${messageOf(error)}`,
      remedy: 'Name another server, or see whether UDP to its port passes.',
    });
  }
}

/** Milliseconds by which a server is ahead (RFC 5905, 8). */
async function offsetOf({ host, port }: { host: string; port: number }): Promise<number> {
  const nonce = randomBytes(8);
  const { lookup } = await import('node:dns/promises');
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    return await new Promise<number>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('no answer')), PATIENCE);
      const asked = Date.now();
      socket.on('message', (packet) => {
        const answer = decodeSntp(packet, nonce);
        if (answer === undefined) return;
        clearTimeout(late);
        resolve((answer.received - asked + (answer.sent - Date.now())) / 2);
      });
      socket.on('error', (error) => {
        clearTimeout(late);
        reject(error);
      });
      socket.send(encodeSntp(nonce), port, address);
    });
  } finally {
    socket.close();
  }
}

/** `chronyc -c tracking` (chronyc(1)): the fifth of its fields is by how many seconds the clock is off. */
async function askChrony(): Promise<Finding | undefined> {
  try {
    const said = await output('chronyc', ['-c', '-n', 'tracking'], PATIENCE);
    const fields = said.toString('utf8').trim().split(',');
    const off = Number(fields[4]);
    if (fields.at(-1) === 'Normal' && Number.isFinite(off)) return compared('chrony', off * 1000);
    const remedy = 'See why with: chronyc sources';
    const found = 'it runs, and has not found a time';
    return warning({ check: 'clock', subject: 'chrony', found, remedy });
  } catch {
    return undefined;
  }
}

/** What systemd says of whoever keeps the clock (timedatectl(1)). */
async function askSystemd(): Promise<Finding | undefined> {
  if (!existsSync('/run/systemd/system')) return undefined;
  try {
    const words = ['show', '--property=NTPSynchronized', '--value'];
    const stdout = (await output('timedatectl', words, PATIENCE)).toString('utf8');
    const said = { check: 'clock', subject: 'systemd' };
    if (stdout.trim() === 'yes') return ok({ ...said, found: 'the clock is synchronized' });
    const remedy = 'Enable a time service: timedatectl set-ntp true, or install chrony.';
    return warning({ ...said, found: 'the clock is not synchronized', remedy });
  } catch {
    return undefined;
  }
}
