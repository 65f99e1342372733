import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import type { Clock } from '../clock/index.ts';
import { codeOf } from '../plugin/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where messages to systemd go, in their order. Never waits, never throws. */
export interface Channel {
  /**
   * Sends assignments, one a line: `READY=1`, `STATUS=collecting`. What systemd cannot take just now is
   * sent soon.
   */
  send(lines: readonly string[]): void;
  /** Whether everything so far has left. What is sent again and again anyway need not queue up. */
  readonly idle: boolean;
}

interface Needs {
  readonly clock: Clock;
  /** Told of an error after which systemd hears nothing. */
  readonly failed: (error: unknown) => void;
}

/** Milliseconds until a systemd that is busy is tried again. */
const AGAIN = 100;
/** What is kept for one that stays busy; the newest is what counts. */
const MOST = 16;

/**
 * The way to the systemd that has started this process; `undefined` where none has.
 *
 * The packages' launcher (packaging/launcher.c) leaves an open socket, which costs a system call for each
 * message. Without it `systemd-notify` is run, for which the unit must say `NotifyAccess=all`.
 */
export function openChannel(environment: Environment, needs: Needs): Channel | undefined {
  const descriptor = environment['CULLINAN_NOTIFY_FD'] ?? '';
  if (/^\d{1,9}$/.test(descriptor)) return new Descriptor(Number(descriptor), needs);
  const socket = environment['NOTIFY_SOCKET'] ?? '';
  return socket === '' ? undefined : new Helper(environment, needs);
}

/** A datagram socket that is connected and never waits; a line is no message until it was written whole. */
class Descriptor implements Channel {
  readonly #descriptor: number;
  readonly #needs: Needs;
  readonly #waiting: string[] = [];

  constructor(descriptor: number, needs: Needs) {
    this.#descriptor = descriptor;
    this.#needs = needs;
  }

  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  send(lines: readonly string[]): void {
    const { idle } = this;
    this.#waiting.push(`${lines.join('\n')}\n`);
    if (this.#waiting.length > MOST) this.#waiting.shift();
    if (idle) this.#write();
  }

  #write(): void {
    for (let [message] = this.#waiting; message !== undefined; [message] = this.#waiting) {
      try {
        writeSync(this.#descriptor, message);
      } catch (error) {
        if (codeOf(error) === 'EAGAIN') {
          this.#needs.clock.after(AGAIN, () => this.#write());
          return;
        }
        this.#needs.failed(error);
      }
      this.#waiting.shift();
    }
  }
}

/** systemd's own program, one at a time, so that messages keep their order. */
class Helper implements Channel {
  readonly #environment: Environment;
  readonly #needs: Needs;
  readonly #waiting: (readonly string[])[] = [];

  constructor(environment: Environment, needs: Needs) {
    this.#environment = environment;
    this.#needs = needs;
  }

  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  send(lines: readonly string[]): void {
    const { idle } = this;
    this.#waiting.push(lines);
    if (this.#waiting.length > MOST) this.#waiting.splice(1, 1);
    if (idle) this.#run();
  }

  #run(): void {
    const [lines] = this.#waiting;
    if (lines === undefined) return;
    // It would wait until systemd has read the message, which nobody here needs to know.
    const child = spawn('systemd-notify', ['--no-block', ...lines], {
      stdio: 'ignore',
      env: { ...this.#environment },
    });
    child.on('error', (error) => {
      this.#needs.failed(error);
      this.#next();
    });
    child.on('exit', (code, signal) => {
      if (code !== 0) this.#needs.failed(new Error(`systemd-notify ended with ${code ?? signal}`));
      this.#next();
    });
  }

  #next(): void {
    this.#waiting.shift();
    this.#run();
  }
}
