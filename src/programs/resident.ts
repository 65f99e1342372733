import type { ChildProcess } from 'node:child_process';
import { type Clock, systemClock } from '../clock/index.ts';
import { Foreseen, Remark, within } from '../plugin/index.ts';
import type { LineReader } from '../wire/readings/reading.ts';
import {
  type Command,
  Complaint,
  calledIn,
  failed,
  howEnded,
  kill,
  notStarted,
  start,
} from './command.ts';
import { isDisabled } from './formats.ts';
import type { Intake } from './intake.ts';
import { Lines } from './lines.ts';

/** Bytes that are read within a tick; what is beyond them waits in the program. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Lines that are read within a tick for each series that it may have. */
const LINES_PER_SERIES = 4;
/** Milliseconds before a program that failed is started again: twice as long each time, up to the longest. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 300_000;
/** A program that lived for so many milliseconds was well. */
const LIVED = 60_000;
/** Milliseconds that it has to end by itself. */
const GRACE = 1000;
/** Milliseconds that a first word, or an answer, is waited for; and those without one more. */
const ANSWER = 1000;
const QUIET = 30;

export type Trigger = 'stdin' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';

export interface ResidentOptions {
  readonly trigger?: Trigger | undefined;
  /** Series that it may have. */
  readonly series: number;
  /** Milliseconds without a word after which it is started anew. */
  readonly silence?: number | undefined;
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

/** What a program has started, and what has left its group, may hold its output open for ever. */
function close({ stdout, stderr }: ChildProcess): void {
  stdout?.destroy();
  stderr?.destroy();
}

/** A program that runs as long as the agent does, and says something whenever it likes, or when it is asked. */
export class Resident {
  readonly #it: Command;
  readonly #line: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #options: ResidentOptions;
  readonly #intake: Intake;
  readonly #begin: () => LineReader;
  readonly #clock: Clock;
  #child: ChildProcess | undefined;
  /** The latest that was killed for its silence. The kernel may keep it, or it is of a user whom we may not end. */
  #killed: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #reader: LineReader | undefined;
  #lines: Lines | undefined;
  #startedAt = 0;
  #heardAt = 0;
  #retryAt = Number.NEGATIVE_INFINITY;
  #pause = FIRST_PAUSE;
  #bytes = 0;
  /** How many lines may have been read before it has to wait. */
  #mostLines = 0;
  #paused = false;
  /** Whether it had to wait since the tick before. */
  #waits = false;
  #gone: Error | undefined;
  #complaint = new Complaint();
  /** Said that there is nothing for it to do here. */
  #disabled = false;
  #heard = () => {};

  /** @param begin makes the reader of one run's output. */
  constructor(
    it: Command & ResidentOptions,
    line: readonly string[],
    environment: NodeJS.ProcessEnv,
    intake: Intake,
    begin: () => LineReader,
    clock: Clock = systemClock,
  ) {
    this.#it = it;
    this.#line = line;
    this.#environment = environment;
    this.#options = it;
    this.#intake = intake;
    this.#begin = begin;
    this.#clock = clock;
  }

  /**
   * Whether it answers a tick later than at once: it was just started, or has to be asked first.
   *
   * @param context its signal ends the waiting: what is said later is of the next tick.
   */
  tick(context: { readonly signal: AbortSignal }): Promise<void> | undefined {
    this.#bytes = 0;
    this.#mostLines =
      this.#intake.lines + Math.max(20_000, LINES_PER_SERIES * this.#options.series);
    this.#silent();
    this.#forsake();
    const fresh = this.#child === undefined && this.#mayStart();
    if (fresh) this.#start();
    if (this.#paused) {
      this.#paused = false;
      this.#child?.stdout?.resume();
    }
    if (this.#child === undefined) return undefined;
    const { trigger } = this.#options;
    if (trigger === undefined) return fresh ? this.#answer(context.signal) : undefined;
    // A signal ends what has not yet said what it does about it.
    if (!fresh || trigger === 'stdin') this.#ask(trigger);
    return this.#answer(context.signal);
  }

  /** What became of it since the tick before. */
  *troubles(): Generator<Error> {
    const reader = this.#reader;
    if (reader !== undefined) this.#intake.take((said) => reader.end?.(said));
    const complaint = this.#complaint.take();
    if (this.#gone !== undefined) {
      yield complaint === '' ? this.#gone : failed(this.#gone.message, complaint);
    } else if (complaint !== '') {
      yield new Remark(`${calledIn(this.#it)} said on its standard error: ${complaint}`);
    }
    this.#gone = undefined;
    if (this.#waits) {
      yield new Foreseen(
        `${calledIn(this.#it)} says more than is read in a tick; the rest waits in its pipe`,
      );
    }
    this.#waits = false;
    const tooLong = this.#lines?.tooLong ?? 0;
    if (tooLong > 0) {
      yield new Foreseen(`${calledIn(this.#it)}: ${tooLong} lines were too long to be read`);
    }
    if (this.#lines !== undefined) this.#lines.tooLong = 0;
    if (this.#disabled) {
      yield new Remark(`${calledIn(this.#it)} has nothing to observe here, and said so`);
    }
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.stdin?.end();
    kill(child, 'SIGTERM');
    await within(this.#ended, GRACE, this.#clock);
    kill(child);
    await within(this.#ended, GRACE, this.#clock);
    close(child);
  }

  #mayStart(): boolean {
    if (this.#disabled || this.#clock.monotonic() < this.#retryAt) return false;
    if (this.#killed === undefined || hasEnded(this.#killed)) return true;
    this.#gone ??= new Foreseen(
      `${calledIn(this.#it)} was killed and has not ended: it is not started again before it has`,
    );
    return false;
  }

  #start(): void {
    const child = start(this.#it, this.#line, this.#environment);
    const reader = this.#begin();
    const lines = new Lines((line) => this.#intake.read(reader, line));
    this.#child = child;
    this.#reader = reader;
    this.#lines = lines;
    this.#startedAt = this.#heardAt = this.#clock.monotonic();
    child.stdin?.on('error', () => {
      // Whether it reads is its own affair; that it ended is told elsewhere.
    });
    child.stderr?.on('data', (piece: Buffer) => this.#complaint.hear(piece));
    child.stdout?.on('data', (piece: Buffer) => {
      this.#bytes += piece.length;
      this.#heardAt = this.#clock.monotonic();
      lines.push(piece);
      this.#heard();
      const much = this.#bytes > MOST_BYTES || this.#intake.lines > this.#mostLines;
      if (!much || this.#paused) return;
      this.#paused = true;
      this.#waits = true;
      child.stdout?.pause();
    });
    this.#ended = new Promise((resolve) => {
      child.once('error', (cause) => {
        this.#over(child, notStarted(this.#it, cause));
        resolve();
      });
      child.once('close', (code, signal) => {
        lines.end();
        const how = howEnded(code, signal);
        this.#disabled = isDisabled(reader);
        const well = code === 0 || this.#disabled;
        this.#over(child, well ? undefined : new Foreseen(`${calledIn(this.#it)} ended ${how}`));
        resolve();
      });
      // What it left behind would hold its output open.
      child.once('exit', () => kill(child));
    });
  }

  /** It is gone: the next tick starts it again, or a later one, if it failed. */
  #over(child: ChildProcess, failure: Error | undefined): void {
    const now = this.#clock.monotonic();
    // One that was killed is told of already.
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#heard();
    if (failure === undefined || now - this.#startedAt >= LIVED) this.#pause = FIRST_PAUSE;
    this.#gone ??= failure;
    if (failure === undefined) return;
    this.#retryAt = now + this.#pause;
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
  }

  #silent(): void {
    const { silence } = this.#options;
    const child = this.#child;
    if (silence === undefined || child === undefined || this.#paused) return;
    if (this.#clock.monotonic() - this.#heardAt < silence) return;
    kill(child);
    close(child);
    this.#killed = child;
    this.#over(
      child,
      new Foreseen(
        `${calledIn(this.#it)} has said nothing for ${silence / 1000} s, and is started anew`,
      ),
    );
  }

  /** Does without the rest of one that has ended since the tick before, if nobody but others holds its output. */
  #forsake(): void {
    const child = this.#child;
    if (child === undefined || this.#paused) return;
    if (hasEnded(child)) close(child);
  }

  #ask(trigger: Trigger): void {
    if (trigger === 'stdin') this.#child?.stdin?.write('\n');
    else this.#child?.kill(trigger);
  }

  /** Resolves when it has said something and then nothing more for a moment, or too long nothing at all. */
  async #answer(signal: AbortSignal): Promise<void> {
    let last = false;
    const over = () => this.#heard();
    signal.addEventListener('abort', over, { once: true });
    const wait = (ms: number) => {
      const heard = new Promise<true>((resolve) => {
        this.#heard = () => resolve(true);
      });
      return within(heard, ms, this.#clock);
    };
    let heard = await wait(ANSWER);
    const until = this.#clock.monotonic() + ANSWER;
    while (heard === true && !last && this.#child !== undefined && !signal.aborted) {
      heard = await wait(QUIET);
      last = this.#clock.monotonic() > until;
    }
    signal.removeEventListener('abort', over);
    this.#heard = () => {};
  }
}
