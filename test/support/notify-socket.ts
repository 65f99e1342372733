import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, vi } from 'vitest';
import { withUs } from './with-us.ts';

/** Receives datagrams as systemd does: with who sent them, by the kernel's word. */
const RECEIVER = `
import array, json, os, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1])
print(json.dumps({'pid': 0, 'text': 'bound'}), flush=True)
while True:
    text, extra, _, _ = s.recvmsg(4096, 1024)
    pid = 0
    for level, kind, data in extra:
        if kind == socket.SCM_CREDENTIALS:
            pid = struct.unpack('3i', data)[0]
        elif kind == socket.SCM_RIGHTS:
            for fd in array.array('i', data): os.close(fd)
    print(json.dumps({'pid': pid, 'text': text.decode()}), flush=True)
`;

export interface Told {
  /** The sender. */
  readonly pid: number;
  readonly lines: readonly string[];
}

/** What systemd has for its services: a datagram socket, by the name that $NOTIFY_SOCKET takes. */
export class NotifySocket implements Disposable {
  readonly path = join(mkdtempSync(join(tmpdir(), 'notify-')), 'socket');
  readonly told: Told[] = [];
  readonly #child: ChildProcess;

  private constructor() {
    const words = withUs('/usr/bin/python3', ['-c', RECEIVER, this.path]);
    const child = spawn(words[0], words[1], { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface(child.stdout).on('line', (line) => {
      const { pid, text } = JSON.parse(line) as { pid: number; text: string };
      this.told.push({ pid, lines: text.trimEnd().split('\n') });
    });
    this.#child = child;
  }

  static async open(): Promise<NotifySocket> {
    const socket = new NotifySocket();
    await vi.waitFor(() => expect(socket.told).toHaveLength(1), { timeout: 10_000 });
    socket.told.length = 0;
    return socket;
  }

  /** Every line so far. */
  get lines(): readonly string[] {
    return this.told.flatMap(({ lines }) => lines);
  }

  /** Waits until a line was told that begins so; returns the rest of it. */
  async line(begin: string): Promise<string> {
    const found = () => this.lines.find((line) => line.startsWith(begin));
    await vi.waitFor(() => expect(found(), this.lines.join('\n')).toBeDefined(), {
      timeout: 15_000,
    });
    return (found() ?? '').slice(begin.length);
  }

  async close(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
