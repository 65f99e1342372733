/**
 * Each mounted NFS filesystem: bytes, operations, how long they took, and what was sent again.
 *
 * Source  /proc/self/mountstats: per filesystem `device … mounted on … with fstype nfs4 statvers=1.1`,
 *         then indented `age:`, `bytes:` with eight numbers and, under `per-op statistics`, per
 *         operation `READ: operations transmissions timeouts sent received queued responded executed
 *         [errors]` (Linux, net/sunrpc/stats.c, fs/nfs/super.c; errors since 5.3). On a foreign host
 *         that of PID 1.
 * Units   Bytes; milliseconds, summed over operations, become seconds.
 * Access  World-readable. Nothing is asked of the server, so a server that hangs does no harm.
 */
import {
  bytes,
  columns,
  count,
  counter,
  defineCollector,
  gauge,
  ParseError,
  seconds,
  selection,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({
  mounts: selection().describe('Which filesystems, by where they are mounted.'),
  operations: selection({
    include: ['read', 'write', 'getattr', 'lookup', 'access', 'open', 'close', 'commit'],
  }).describe('Which operations are reported by themselves, in lower case. `*` for all.'),
});

const labels = ['mountpoint', 'export'] as const;
const byOperation = [...labels, 'operation'] as const;
const metrics = {
  age: gauge('system.nfs.mount.age', {
    unit: 'seconds',
    labels,
    help: 'Time since it was mounted.',
  }),
  io: counter('system.nfs.mount.io', {
    unit: 'bytes',
    labels: [...labels, 'type', 'direction'],
    help: 'Bytes that programs read and wrote (normal), past the cache (direct), and that went to and came from the server (server).',
  }),
  operations: counter('system.nfs.mount.operations', {
    unit: 'count',
    labels: byOperation,
    help: 'Operations that were finished.',
  }),
  retransmissions: counter('system.nfs.mount.retransmissions', {
    unit: 'count',
    labels: byOperation,
    help: 'Transmissions beyond the first of each operation.',
  }),
  timeouts: counter('system.nfs.mount.timeouts', {
    unit: 'count',
    labels: byOperation,
    help: 'Operations that took longer than the mount allows before it complains.',
  }),
  errors: counter('system.nfs.mount.errors', {
    unit: 'count',
    labels: byOperation,
    help: 'Operations that ended in an error (since Linux 5.3).',
  }),
  time: counter('system.nfs.mount.operation_time', {
    unit: 'seconds',
    labels: [...byOperation, 'phase'],
    help: 'Time of all operations together: until they were sent (queue), until they were answered (response), in all (total).',
  }),
};

const DEVICE = /^device (.+) mounted on (.+) with fstype (nfs4?)(?: statvers=(1\.\d+))?$/;
const readBytes = columns([
  'normalRead',
  'normalWrite',
  'directRead',
  'directWrite',
  'serverRead',
  'serverWrite',
]);
const readOperation = columns(
  ['operations', 'transmissions', 'timeouts', 'sent', 'received', 'queue', 'response', 'total'],
  ['errors'],
);

/** What the kernel escapes in octal: blanks, ends of lines, backslashes. */
const unescaped = (text: string): string =>
  Buffer.from(
    text.replace(/\\([0-7]{3})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    ),
    'latin1',
  ).toString();

export interface Mount {
  readonly mountpoint: string;
  readonly export: string;
  readonly age: number | undefined;
  readonly bytes: ReturnType<typeof readBytes> | undefined;
  readonly operations: ReadonlyMap<string, ReturnType<typeof readOperation>>;
  readonly errors: readonly ParseError[];
}

/** The NFS filesystems, each once: what is mounted over it is another of the same name. */
export function parse(text: string): readonly Mount[] {
  const mounts = new Map<string, Mount>();
  for (const block of text.split(/^(?=device )/m)) {
    const [first = '', ...lines] = block.split('\n');
    const device = DEVICE.exec(first);
    if (device?.[4] === undefined) continue;
    const mount = { export: unescaped(device[1] ?? ''), mountpoint: unescaped(device[2] ?? '') };
    mounts.set(mount.mountpoint, { ...mount, ...parseBlock(mount.mountpoint, lines) });
  }
  return [...mounts.values()];
}

function parseBlock(mountpoint: string, lines: readonly string[]) {
  const operations = new Map<string, ReturnType<typeof readOperation>>();
  const errors: ParseError[] = [];
  let [age, transferred]: [number?, ReturnType<typeof readBytes>?] = [];
  let perOperation = false;
  for (const line of lines) {
    const match = /^\s+(\w+): *(.*)$/.exec(line);
    if (line.trim() === 'per-op statistics') perOperation = true;
    if (match === null) continue;
    const [, word = '', rest = ''] = match;
    try {
      if (perOperation) operations.set(word.toLowerCase(), readOperation(rest));
      else if (word === 'age') age = columns(['age'])(rest).age;
      else if (word === 'bytes') transferred = readBytes(rest);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      errors.push(
        new ParseError(`/proc/self/mountstats: ${mountpoint}: ${word}: ${error.message}`),
      );
    }
  }
  return { age, bytes: transferred, operations, errors };
}

const MOVED = [
  ['normal', 'read', 'normalRead'],
  ['normal', 'write', 'normalWrite'],
  ['direct', 'read', 'directRead'],
  ['direct', 'write', 'directWrite'],
  ['server', 'read', 'serverRead'],
  ['server', 'write', 'serverWrite'],
] as const;
const PHASES = ['queue', 'response', 'total'] as const;

function* observe(mount: Mount, chosen: (operation: string) => boolean) {
  yield* mount.errors;
  const where = { mountpoint: mount.mountpoint, export: mount.export };
  if (mount.age !== undefined) yield metrics.age.observe(seconds(mount.age), where);
  for (const [type, direction, column] of mount.bytes === undefined ? [] : MOVED) {
    yield metrics.io.observe(bytes(mount.bytes?.[column] ?? 0), { ...where, type, direction });
  }
  for (const [operation, row] of mount.operations) {
    if (!chosen(operation)) continue;
    const labels = { ...where, operation };
    const again = Math.max(0, row.transmissions - row.operations);
    yield metrics.operations.observe(count(row.operations), labels);
    yield metrics.retransmissions.observe(count(again), labels);
    yield metrics.timeouts.observe(count(row.timeouts), labels);
    if (row.errors !== undefined) yield metrics.errors.observe(count(row.errors), labels);
    for (const phase of PHASES) {
      yield metrics.time.observe(seconds(row[phase] / 1000), { ...labels, phase });
    }
  }
}

export default defineCollector({
  name: 'mountstats',
  summary: 'Each mounted NFS filesystem: bytes, operations, their times, and what was sent again.',
  source: '/proc/self/mountstats',
  enabled: false,
  options,
  metrics,
  *collect({ host, options }) {
    const text = host.proc.read(`${host.foreign ? '1' : 'self'}/mountstats`);
    for (const mount of parse(text)) {
      if (options.mounts(mount.mountpoint)) yield* observe(mount, options.operations);
    }
  },
});
