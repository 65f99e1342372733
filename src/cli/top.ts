import { writeSync } from 'node:fs';
import { ask, type Snapshot } from '../status/index.ts';
import { abilitiesOf, ENTER, keyOf, LEAVE, redraw } from '../wire/terminal.ts';
import { type Asking, askFirst, socketsOf } from './asking.ts';
import { countOf, EXIT, type Io, UsageError } from './io.ts';
import { seconds } from './seconds.ts';
import { picture, type Readings, SORTS, type View } from './top-picture.ts';

interface Options extends Asking {
  readonly every?: string;
  readonly count?: string;
  readonly sort?: string;
}

/** Seconds over which rates are taken at most: most collectors run every ten. */
const OVER = 30;
/** A screen that is not one: every row has room. */
const PAGE = { columns: 120, rows: 10_000 };

/** `cullinan top`: the running agent, live: its collectors and handlers, sorted. */
export async function top(io: Io, options: Options): Promise<number> {
  const abilities = abilitiesOf(io.environment, { colour: 'auto', unicode: 'auto' });
  const screen = io.outIsTerminal && abilities.moves;
  const usual = screen ? '2s' : '10s';
  const every = seconds('--every', options.every ?? usual, { least: 0.1, most: 3600 });
  const count = countOf(options.count) ?? (screen ? Number.POSITIVE_INFINITY : 1);
  const sockets = socketsOf(io, options);
  let view: View = {
    ...sortsOf(options.sort),
    ...PAGE,
    reversed: false,
    paused: false,
    keys: screen,
  };
  const now = () => askFirst(sockets, ask);
  const plain = { colour: io.outIsTerminal && abilities.colour, unicode: abilities.unicode };
  if (!screen) {
    let before = await now();
    for (let n = 0; n < count; n += 1) {
      const asked = performance.now();
      await pause(every);
      const after = await now();
      const readings = { before, now: after, seconds: elapsed(asked) };
      io.out(`${n === 0 ? '' : '\n'}${picture(readings, view, plain).join('\n')}\n`);
      before = after;
    }
    return EXIT.ok;
  }
  const first = await now();
  const terminal = new Terminal();
  try {
    await watch(first, now, terminal, { every, count, abilities, view: () => view, look });
  } finally {
    terminal.restore();
  }
  return EXIT.ok;

  function look(key: string): boolean {
    if (keyOf(key) === 'quit') return false;
    view = pressed(view, key);
    return true;
  }
}

interface Watching {
  readonly every: number;
  readonly count: number;
  readonly abilities: { readonly colour: boolean; readonly unicode: boolean };
  readonly view: () => View;
  /** What a key does; false is the end. */
  readonly look: (key: string) => boolean;
}

async function watch(
  first: Snapshot,
  now: () => Promise<Snapshot>,
  terminal: Terminal,
  { every, count, abilities, view, look }: Watching,
): Promise<void> {
  let readings: Readings = { before: first, now: first, seconds: 1 };
  const past = [{ at: performance.now(), snapshot: first }];
  let shown: readonly string[] | undefined;
  const draw = () => {
    const lines = picture(readings, { ...view(), ...terminal.size }, abilities);
    terminal.write(redraw(lines, shown?.length === lines.length ? shown : undefined));
    shown = lines;
  };
  let ended = false;
  terminal.onKey((key) => {
    if (key === 'resized') shown = undefined;
    else if (!look(key)) {
      ended = true;
      terminal.wake();
    }
    draw();
  });
  // The first rates after a moment, as people do not wait.
  for (let n = 0; n < count && !ended; n += 1) {
    draw();
    await terminal.sleep(n === 0 ? Math.min(1, every) : every);
    if (ended) return;
    if (view().paused) continue;
    const after = await now();
    past.push({ at: performance.now(), snapshot: after });
    while (past.length > 2 && elapsed(past[1]?.at ?? 0) > OVER) past.shift();
    const [oldest = { at: 0, snapshot: after }] = past;
    readings = { before: oldest.snapshot, now: after, seconds: elapsed(oldest.at) };
  }
  if (!ended) draw();
}

const elapsed = (since: number): number => Math.max(0.001, (performance.now() - since) / 1000);
const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time * 1000));

/** The terminal while a picture is on it. */
class Terminal {
  #key: (key: string) => void = () => {};
  #wake: () => void = () => {};
  #restored = false;
  readonly #press = (bytes: Buffer) => {
    const text = bytes.toString('latin1');
    // What begins with an escape is one key that means nothing here; others may come several at once.
    if (text.startsWith('\x1b')) return;
    for (const key of text) this.#key(key);
  };
  readonly #resized = () => this.#key('resized');
  readonly #gone = () => this.#key('q');
  readonly #exit = () => this.restore();

  constructor() {
    const { stdin, stdout } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', this.#press).on('end', this.#gone).on('error', this.#gone);
    stdout.on('resize', this.#resized);
    process.on('exit', this.#exit).on('SIGINT', this.#gone).on('SIGTERM', this.#gone);
    this.write(ENTER);
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  }

  onKey(key: (key: string) => void): void {
    this.#key = key;
  }

  write(text: string): void {
    process.stdout.write(text);
  }

  async sleep(time: number): Promise<void> {
    const timer = setTimeout(() => this.#wake(), time * 1000);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    clearTimeout(timer);
  }

  wake(): void {
    this.#wake();
  }

  restore(): void {
    if (this.#restored) return;
    this.#restored = true;
    const { stdin, stdout } = process;
    try {
      if (stdin.isTTY) stdin.setRawMode(false);
      writeSync(1, LEAVE);
    } catch {
      // The terminal has gone, and with it everything there was to restore.
    }
    stdin.off('data', this.#press).pause();
    stdout.off('resize', this.#resized);
    process.off('exit', this.#exit).off('SIGINT', this.#gone).off('SIGTERM', this.#gone);
  }
}

/** What one looks at after a key. */
export function pressed(view: View, key: string): View {
  const { collectors, handlers }: Readonly<Record<string, Readonly<Record<string, string>>>> =
    SORTS;
  if (key === ' ') return { ...view, paused: !view.paused };
  if (key === 'r') return { ...view, reversed: !view.reversed };
  return {
    ...view,
    collectors: collectors?.[key] ?? view.collectors,
    handlers: handlers?.[key] ?? view.handlers,
  };
}

function sortsOf(text: string | undefined): Pick<View, 'collectors' | 'handlers'> {
  const sorts = { collectors: 'time', handlers: 'rate' };
  const [collectors, handlers] = [SORTS.collectors, SORTS.handlers].map((keys): readonly string[] =>
    Object.values(keys),
  );
  for (const word of text?.split(',') ?? []) {
    if (collectors?.includes(word)) sorts.collectors = word;
    else if (handlers?.includes(word)) sorts.handlers = word;
    else {
      throw new UsageError(
        `--sort is "${text}"; it can be ${[...(collectors ?? []), ...(handlers ?? [])].join(', ')}`,
      );
    }
  }
  return sorts;
}
