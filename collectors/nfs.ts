/**
 * NFS of this host as a client and as a server: calls, retransmissions and operations.
 *
 * Source  /proc/net/rpc/nfs, once a filesystem was mounted: `net`, `rpc calls retransmissions
 *         refreshes`, and per version `proc3 22 number…` (Linux, net/sunrpc/stats.c; procedures of
 *         version 4 by their place in include/linux/nfs4.h, since 3.13). /proc/net/rpc/nfsd, while
 *         the server runs: besides, `io read written`, `th threads`, `rc hits misses uncached`, `fh
 *         stale …` and `proc4ops` by number of operation (fs/nfsd/stats.c). On a foreign host those of PID 1.
 * Units   Calls; bytes. The kernel's counters of calls have 32 bits.
 * Access  World-readable. Shows one network namespace.
 */
import {
  bytes,
  count,
  counter,
  defineCollector,
  gauge,
  NoData,
  ParseError,
  part,
  z,
} from 'cullinan/plugin';
import {
  NFS2_PROCEDURES,
  NFS3_PROCEDURES,
  NFS4_CLIENT_OPERATIONS,
  NFS4_OPERATIONS,
} from 'cullinan/wire/nfs-operations';

const options = z.strictObject({});

const side = ['side'] as const;
const metrics = {
  calls: counter('system.nfs.rpc.calls', {
    unit: 'count',
    labels: side,
    help: 'Calls sent (client) and received (server).',
  }),
  retransmissions: counter('system.nfs.rpc.retransmissions', {
    unit: 'count',
    help: 'Calls that the client sent again.',
  }),
  refreshes: counter('system.nfs.rpc.authentication_refreshes', {
    unit: 'count',
    help: 'Times that the client renewed its credentials.',
  }),
  badCalls: counter('system.nfs.rpc.bad_calls', {
    unit: 'count',
    help: 'Calls that the server refused: malformed, or of nobody whom it lets in.',
  }),
  connections: counter('system.nfs.connections', {
    unit: 'count',
    labels: side,
    help: 'TCP connections that were opened.',
  }),
  operations: counter('system.nfs.operations', {
    unit: 'count',
    labels: ['side', 'version', 'operation'],
    help: 'Procedures (versions 2 and 3) and operations (version 4) called.',
  }),
  io: counter('system.nfs.server.io', {
    unit: 'bytes',
    labels: ['direction'],
    help: 'Bytes that the server read and wrote for its clients.',
  }),
  threads: gauge('system.nfs.server.threads', { unit: 'count', help: 'Threads of the server.' }),
  replyCache: counter('system.nfs.server.reply_cache', {
    unit: 'count',
    labels: ['result'],
    help: 'Calls that the reply cache knew (hit), did not know (miss), or does not keep.',
  }),
  staleHandles: counter('system.nfs.server.stale_file_handles', {
    unit: 'count',
    help: 'Calls with a handle of a file that has gone.',
  }),
};

/** The numbers behind each word; a line that is malformed is an error under its word. */
export function parse(file: string, text: string) {
  const rows = new Map<string, readonly number[] | ParseError>();
  for (const [i, line] of text.split('\n').entries()) {
    const match = /^([a-z]\w{1,15})((?: -?[\d.]{1,20})+) *$/.exec(line);
    const [, word = line.split(' ', 1)[0] ?? '', numbers = ''] = match ?? [];
    if (line === '') continue;
    const row = numbers.trim().split(' ').map(Number);
    const sound = match !== null && row.every((number) => Number.isFinite(number) && number >= 0);
    const wrong = `${file} line ${i + 1}: "${line.slice(0, 80)}" is not "WORD NUMBER…"`;
    rows.set(word.slice(0, 16), sound ? row : new ParseError(wrong));
  }
  return rows;
}
type Rows = ReturnType<typeof parse>;

const CLIENT: readonly Known[] = [
  { row: 'proc2', version: '2', names: NFS2_PROCEDURES },
  { row: 'proc3', version: '3', names: NFS3_PROCEDURES },
  { row: 'proc4', version: '4', names: NFS4_CLIENT_OPERATIONS },
];
const SERVER: readonly Known[] = [
  { row: 'proc2', version: '2', names: NFS2_PROCEDURES },
  { row: 'proc3', version: '3', names: NFS3_PROCEDURES },
  { row: 'proc4ops', version: '4', names: NFS4_OPERATIONS },
];
interface Known {
  readonly row: string;
  readonly version: string;
  readonly names: readonly (string | undefined)[];
}

/** The numbers of a row, if it is there and sound. */
function numbers(rows: Rows, word: string, least: number): readonly number[] | undefined {
  const row = rows.get(word);
  return row === undefined || row instanceof Error || row.length < least ? undefined : row;
}

function* observeCommon(rows: Rows, side: string, known: readonly Known[]) {
  for (const row of rows.values()) if (row instanceof Error) yield row;
  const [, , , connections] = numbers(rows, 'net', 4) ?? [];
  if (connections !== undefined) {
    yield metrics.connections.observe(count(connections), { side });
  }
  const [calls] = numbers(rows, 'rpc', 3) ?? [];
  if (calls !== undefined) yield metrics.calls.observe(count(calls), { side });
  for (const { row, version, names } of known) {
    const [, ...called] = numbers(rows, row, 2) ?? [];
    // A version that nobody speaks would be a page of zeros.
    if (called.every((number) => number === 0)) continue;
    for (const [i, number] of called.entries()) {
      const operation = names[i];
      if (operation === undefined) continue;
      yield metrics.operations.observe(count(number), { side, version, operation });
    }
  }
}

function* observeClient(file: string, text: string) {
  const rows = parse(file, text);
  yield* observeCommon(rows, 'client', CLIENT);
  const [, retransmissions, refreshes] = numbers(rows, 'rpc', 3) ?? [];
  if (retransmissions === undefined || refreshes === undefined) return;
  yield metrics.retransmissions.observe(count(retransmissions));
  yield metrics.refreshes.observe(count(refreshes));
}

function* observeServer(file: string, text: string) {
  const rows = parse(file, text);
  yield* observeCommon(rows, 'server', SERVER);
  const [, bad] = numbers(rows, 'rpc', 2) ?? [];
  if (bad !== undefined) yield metrics.badCalls.observe(count(bad));
  const [read, written] = numbers(rows, 'io', 2) ?? [];
  if (read !== undefined) yield metrics.io.observe(bytes(read), { direction: 'read' });
  if (written !== undefined) yield metrics.io.observe(bytes(written), { direction: 'write' });
  const [threads] = numbers(rows, 'th', 1) ?? [];
  if (threads !== undefined) yield metrics.threads.observe(count(threads));
  const cache = numbers(rows, 'rc', 3) ?? [];
  for (const [i, result] of cache.length > 0 ? ['hit', 'miss', 'uncached'].entries() : []) {
    yield metrics.replyCache.observe(count(cache[i] ?? 0), { result });
  }
  const [stale] = numbers(rows, 'fh', 1) ?? [];
  if (stale !== undefined) yield metrics.staleHandles.observe(count(stale));
}

export default defineCollector({
  name: 'nfs',
  summary: 'NFS of this host as a client and as a server: calls, retransmissions, operations.',
  source: '/proc/net/rpc/nfs, /proc/net/rpc/nfsd',
  enabled: false,
  options,
  metrics,
  *collect({ host }) {
    const folder = host.foreign ? '1/net/rpc' : 'net/rpc';
    const read = (name: string) => host.proc.read(`${folder}/${name}`);
    const client = yield* part(() => observeClient(`/proc/${folder}/nfs`, read('nfs')));
    const server = yield* part(() => observeServer(`/proc/${folder}/nfsd`, read('nfsd')));
    if (!client && !server) throw new NoData('/proc/net/rpc/nfs does not exist here');
  },
});
