/**
 * Writes each sample as a line to standard output.
 *
 * Format    See src/wire/lines.ts: `system.cpu.time{cpu="0",state="user"} 0.034 seconds/s 1795219200`,
 *           `path value time` as Graphite has it, or one JSON object per line.
 * Delivery  A batch counts as delivered when the kernel has taken it; a reader that is slow slows
 *           nothing but this. A reader that has gone (`| head`) ends the connection.
 */
import { createWriteStream, fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { type Batch, type Connection, defineHandler, Foreseen, z } from 'cullinan/plugin';
import { encodeJson, encodeText } from 'cullinan/wire/lines';

const FORMATS = ['series', 'path', 'json'] as const;
type Format = (typeof FORMATS)[number];

const options = z.strictObject({
  format: z
    .enum(FORMATS)
    .default('series')
    .describe('What a line is: name{labels} value unit time, path value time, or a JSON object.'),
});

/** The lines of one batch. */
function encode(batch: Batch, format: Format): string {
  let lines = '';
  for (const point of batch) {
    lines += format === 'json' ? encodeJson(point) : encodeText(point, format);
  }
  return lines;
}

const STALLED =
  'standard output: its reader has stopped reading. Points wait in the queue; go on reading, or send them to a file instead.';
const GONE =
  'standard output: its reader has gone. Points are no longer shown; start the agent with a reader that stays, or send them to a file instead.';

/** A connection that writes to a stream which outlives it. Rejects while an earlier write is stuck. */
export async function linesTo(
  out: Writable,
  format: Format,
  signal: AbortSignal,
): Promise<Connection> {
  if (!out.writable) throw new Foreseen(GONE);
  if (out.writableLength > 0) await write(out, '', signal);
  const ended = new Promise<Error>((resolve) => {
    out.once('error', resolve);
    out.once('close', () => resolve(new Foreseen(GONE)));
  });
  return {
    write: (batch, signal) => write(out, encode(batch, format), signal),
    close() {},
    ended,
  };
}

function write(out: Writable, text: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new Foreseen(STALLED));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    out.write(text, (error) => {
      signal.removeEventListener('abort', abort);
      if (!error) resolve();
      else reject(isGone(error) ? new Foreseen(GONE, { cause: error }) : error);
    });
  });
}

const isGone = (error: Error): boolean =>
  'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');

let output: Writable | undefined;

/**
 * Standard output, written without ever holding up the agent: Node writes to pipes and sockets
 * asynchronously, but to files and terminals on the main thread; those get a stream of their own.
 */
function standardOutput(): Writable {
  if (output === undefined) {
    const kind = fstatSync(1);
    output =
      kind.isFIFO() || kind.isSocket()
        ? process.stdout
        : createWriteStream('', { fd: 1, autoClose: false });
    // A reader that goes away between two writes must not crash the agent; `ended` reports it.
    output.on('error', () => {});
  }
  return output;
}

export default defineHandler({
  name: 'console',
  summary: 'Writes each sample as a line to standard output.',
  options,
  dialect: 'otel',
  counters: 'rates',
  idempotent: false,
  acknowledged: false,
  open: ({ options, signal }) => linesTo(standardOutput(), options.format, signal),
});
