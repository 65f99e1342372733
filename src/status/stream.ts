import type { Socket } from 'node:net';

/** Lines that come as they come, for somebody who looks at them. */
export interface Flow {
  /** Up to so many lines that wait, each with its newline; '' where none does. */
  take(lines: number): string;
  /** Called back when there is something to take again. */
  onMore(more: () => void): void;
  end(): void;
}

/** Lines in one turn of the event loop: what ticks must wait for is at most a millisecond. */
const AT_ONCE = 200;
/** Bytes that may wait in a socket whose other end does not read. */
const MOST_WAITING = 256 * 1024;

/**
 * Writes what flows to a socket, a little per turn, and only as fast as it is read. When nobody has read
 * for as long as the socket's timeout it is closed; when nothing flowed for that long, an empty line does.
 */
export function pour(socket: Socket, flow: Flow): void {
  let turn: NodeJS.Immediate | undefined;
  const next = () => {
    turn = undefined;
    if (socket.destroyed || socket.writableLength > MOST_WAITING) return;
    const text = flow.take(AT_ONCE);
    if (text === '') return;
    socket.write(text);
    turn = setImmediate(next);
  };
  const more = () => {
    turn ??= setImmediate(next);
  };
  socket.removeAllListeners('timeout');
  socket.on('timeout', () => {
    if (socket.writableLength > 0) socket.destroy();
    // Only who is written to shows that he has gone: his end of the socket may be shut and he still there.
    else socket.write('\n');
  });
  socket.on('drain', more);
  const over = () => {
    clearImmediate(turn);
    flow.end();
    socket.destroy();
  };
  if (socket.destroyed) {
    over();
    return;
  }
  socket.once('close', over);
  flow.onMore(more);
  more();
}
