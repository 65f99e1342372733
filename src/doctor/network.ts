import { promises as dns } from 'node:dns';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { systemClock } from '../clock/index.ts';
import { dial, spoken } from '../net/index.ts';
import { within } from '../plugin/index.ts';
import type { Peer } from './endpoints.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';

/** Milliseconds for a name, a connection, an answer. */
const PATIENCE = 5000;
/** A name that takes longer delays each connection. */
const SLOW_NAME = 1000;
/** Days for which a certificate should be valid still. */
const SOON = 14;
/** Bytes of an answer in which its Date stands. */
const MOST_HEAD = 16_384;

/** Whether the names of peers are found, how fast, and in which families. */
export async function checkNames(peers: readonly Peer[]): Promise<readonly Finding[]> {
  const names = new Set(peers.map(({ host }) => host).filter((host) => isIP(host) === 0));
  return Promise.all([...names].map(checkName));
}

async function checkName(name: string): Promise<Finding> {
  const said = { check: 'dns', subject: name };
  const begun = performance.now();
  try {
    const asked = dns.lookup(name, { all: true, order: 'verbatim' });
    const addresses = await within(asked, PATIENCE, systemClock);
    if (addresses === undefined) throw new Error(`no answer within ${PATIENCE / 1000} s`);
    const took = Math.round(performance.now() - begun);
    const families = [4, 6].filter((family) => addresses.some((it) => it.family === family));
    const list = [...new Set(addresses.map(({ address }) => address))].slice(0, 8).join(', ');
    const found = `${list} (${families.map((it) => `IPv${it}`).join(' and ')}) in ${took} ms`;
    if (took <= SLOW_NAME) return ok({ ...said, found });
    const remedy = 'See which of the servers in /etc/resolv.conf is slow or away.';
    return warning({ ...said, found, remedy });
  } catch (error) {
    return problem({
      ...said,
      found: `the name is not found: ${messageOf(error)}`,
      remedy: 'Check how it is spelled, /etc/resolv.conf and /etc/hosts; or name an address.',
    });
  }
}

/** What a peer has said, besides: its clock, where it tells. */
export interface Reached {
  readonly findings: readonly Finding[];
  /** Milliseconds by which the peer's clock is ahead of ours, to a second; where it tells. */
  readonly ahead?: number | undefined;
}

/** Whether a peer can be connected to, and speaks TLS that we trust. No point is sent. */
export async function checkPeer(peer: Peer): Promise<Reached> {
  const where = spoken(peer);
  const said = { check: 'peer', subject: `${peer.handler} ${where}` };
  if (peer.protocol === 'udp') {
    return { findings: [ok({ ...said, found: 'UDP: whether anybody listens is never answered' })] };
  }
  const aborter = new AbortController();
  const over = setTimeout(
    () => aborter.abort(new Error(`${where}: no answer within ${PATIENCE / 1000} s`)),
    PATIENCE,
  );
  const begun = performance.now();
  try {
    const { host, port, tls } = peer;
    const dialled = await dial({ host, port, tls, keepalive: 60, peer: where }, aborter.signal);
    const { socket } = dialled;
    socket.on('error', () => {});
    const took = Math.round(performance.now() - begun);
    const findings = [
      ok({ ...said, found: `connected in ${took} ms to ${socket.remoteAddress}` }),
      ...certificate(socket, said.subject),
    ];
    const ahead = peer.url === undefined ? undefined : await clockOf(socket, host, aborter.signal);
    socket.destroy();
    return { findings, ahead };
  } catch (error) {
    const reason: unknown = aborter.signal.aborted ? aborter.signal.reason : error;
    const remedy =
      'See whether it runs and listens there, and whether a firewall is between (nothing was sent).';
    // The subject has named it.
    const found = messageOf(reason).replace(`${where}: `, '');
    return { findings: [problem({ ...said, found, remedy })] };
  } finally {
    clearTimeout(over);
  }
}

function certificate(socket: Socket, subject: string): Finding[] {
  if (!(socket instanceof TLSSocket)) return [];
  const { valid_to: until } = socket.getPeerCertificate();
  const left = Math.floor((Date.parse(until) - Date.now()) / 86_400_000);
  const said = { check: 'certificate', subject };
  const found = `${socket.getProtocol()}; its certificate is valid for ${left} days (until ${until})`;
  if (left >= SOON) return [ok({ ...said, found })];
  return [warning({ ...said, found, remedy: 'Renew it there before it expires.' })];
}

/** How far the clock of who answers HTTP is ahead; `undefined` where it does not tell. */
function clockOf(socket: Socket, host: string, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    let head = '';
    const asked = Date.now();
    const tell = () => {
      const date = /^date:\s*(.{10,40}?)\r?$/im.exec(head)?.[1];
      const theirs = date === undefined ? Number.NaN : Date.parse(date);
      // It is cut to whole seconds, and was written between the question and the answer.
      const ours = (asked + Date.now()) / 2;
      resolve(Number.isNaN(theirs) ? undefined : theirs + 500 - ours);
    };
    socket.on('data', (bytes: Buffer) => {
      head += bytes.toString('latin1');
      if (head.includes('\r\n\r\n') || head.length > MOST_HEAD) tell();
    });
    socket.once('close', tell);
    socket.once('end', tell);
    signal.addEventListener('abort', tell);
    const name = host.includes(':') ? `[${host}]` : host;
    socket.write(`HEAD / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
  });
}
