import type { Clock } from '../clock/index.ts';
import type { Name, Point, Sample, Series } from '../metric/index.ts';
import { anyOf, type Compile, createNamer, dialects, type Selector } from '../naming/index.ts';
import { Foreseen, globSource } from '../plugin/index.ts';
import type { Flow, TapRequest } from '../status/index.ts';
import { encodeText, kindOf, unitOf } from '../wire/lines.ts';
import type { Outlet } from './outlet.ts';

/** Taps at a time. */
const MOST = 4;
/** Points of a tap that wait to be read; what comes beyond is left out, and counted. */
const MOST_WAITING = 20_000;
/** Milliseconds of a collection in which it is decided what is wanted of series that are new to a tap. */
const DECIDING = 2;
/** So many stars of a glob are found in no time, however long a name is. */
const FEW_STARS = 2;

/** What a tap is asked for. */
type Wish = Pick<TapRequest, 'patterns' | 'handler'>;

/** Shows points as they pass, to whoever asks. Where nobody does, it costs one look per collection. */
export class Taps {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Absent while nobody taps. */
  #open: readonly Tap[] | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** What somebody taps just now. */
  get open(): readonly Tap[] | undefined {
    return this.#open;
  }

  /** @throws {@link Foreseen} if a pattern is none, or there are too many taps. */
  async add(wish: Wish): Promise<Flow> {
    const compile = await compiler(wish.patterns);
    if ((this.#open?.length ?? 0) >= MOST) {
      throw new Foreseen(`${MOST} taps are open already; end one of them`);
    }
    const tap = new Tap(wish, compile, this.#clock, () => {
      const left = this.#open?.filter((it) => it !== tap) ?? [];
      this.#open = left.length === 0 ? undefined : left;
    });
    this.#open = [...(this.#open ?? []), tap];
    return tap;
  }
}

/**
 * Patterns come from outside while the agent works, and none may hold it up: what could take long in
 * V8's own expressions is left to a library that takes linear time, and is loaded for it.
 */
async function compiler(patterns: readonly string[]): Promise<Compile> {
  const stars = (text: string) => text.split('*').length - 1;
  const simple = patterns.every((text) => !text.includes('re:') && stars(text) <= FEW_STARS);
  const plainly: Compile = (glob) => {
    const expression = new RegExp(globSource(glob), 'su');
    return (name) => expression.test(name);
  };
  if (simple) return plainly;
  const { RE2JS } = await import('re2js');
  return (glob) => {
    const source = glob.startsWith('re:') ? glob.slice(3) : globSource(glob);
    const expression = RE2JS.compile(source, glob.startsWith('re:') ? 0 : RE2JS.DOTALL);
    return (name) => expression.matcher(name).find();
  };
}

/** What one asker wants to see. */
export class Tap implements Flow {
  readonly #handler: string | undefined;
  readonly #wanted: Selector;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #close: () => void;
  readonly #namer = createNamer(dialects.otel, {
    ...{ prefix: undefined, host: '', suffix: '', tags: false, labels: {}, counters: 'rates' },
  });
  /** By the series' id, for which series, and whether it is wanted. */
  readonly #decided: ({ readonly series: Series; readonly wanted: boolean } | undefined)[] = [];
  #named = new WeakMap<Name, boolean>();
  #waiting: Point[] = [];
  #taken = 0;
  #leftOut = 0;
  /** When deciding has to end for this collection. */
  #until = 0;
  #more: () => void = () => {};

  constructor(
    { patterns, handler }: Wish,
    compile: Compile,
    clock: Pick<Clock, 'monotonic'>,
    close: () => void,
  ) {
    this.#handler = handler;
    this.#clock = clock;
    this.#close = close;
    try {
      this.#wanted = patterns.length === 0 ? () => true : anyOf(patterns, compile);
    } catch (error) {
      throw new Foreseen(`this is no pattern: ${(error as Error).message.slice(0, 300)}`);
    }
  }

  /** A collection has been made; these are the handlers that it goes to. */
  observed(samples: readonly Sample[], outlets: Iterable<Outlet>): void {
    if (this.#handler !== undefined) return;
    this.#until = this.#clock.monotonic() + DECIDING;
    const every = [...outlets];
    const wanted: Sample[] = [];
    const room = MOST_WAITING - this.#waiting.length;
    for (const [i, sample] of samples.entries()) {
      if (wanted.length >= room) {
        // Nobody takes them: what they are need not be found out.
        this.#leftOut += samples.length - i;
        break;
      }
      if (this.#wants(sample.series, every)) wanted.push(sample);
    }
    const points: Point[] = [];
    this.#namer.collection(wanted, points);
    for (const point of points) this.#keep(point);
    if (this.#waiting.length > this.#taken) this.#more();
  }

  /** Points have been named for a handler. */
  sent({ config, paths }: Outlet, points: readonly Point[]): void {
    if (!this.#isOf(config.instance)) return;
    this.#until = this.#clock.monotonic() + DECIDING;
    for (const point of points) {
      if (this.#wantsName(point.name, paths)) this.#keep(point);
    }
    if (this.#waiting.length > this.#taken) this.#more();
  }

  take(lines: number): string {
    let text = '';
    const end = Math.min(this.#waiting.length, this.#taken + lines);
    const form = this.#handler === undefined ? 'series' : 'path';
    for (; this.#taken < end; this.#taken += 1) {
      text += encode(this.#waiting[this.#taken] as Point, form);
    }
    if (this.#taken === this.#waiting.length) {
      this.#waiting = [];
      this.#taken = 0;
      if (this.#leftOut > 0) text += `${JSON.stringify({ leftOut: this.#leftOut })}\n`;
      this.#leftOut = 0;
    }
    return text;
  }

  onMore(more: () => void): void {
    this.#more = more;
  }

  end(): void {
    this.#waiting = [];
    this.#close();
  }

  #keep(point: Point): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(point);
    else this.#leftOut += 1;
  }

  /** One of several peers among which a handler divides its points goes by the handler's name, too. */
  #isOf(instance: string): boolean {
    const handler = this.#handler;
    return handler !== undefined && (instance === handler || instance.startsWith(`${handler}[`));
  }

  #wants(series: Series, outlets: readonly Outlet[]): boolean {
    const known = this.#decided[series.id];
    if (known?.series === series) return known.wanted;
    if (this.#late) return false;
    const { metric, collector, labels } = series;
    const names = [metric.name, ...outlets.flatMap((outlet) => outlet.paths(series))];
    const wanted = this.#wanted({ names, collector, labels });
    this.#decided[series.id] = { series, wanted };
    return wanted;
  }

  #wantsName(name: Name, paths: Outlet['paths']): boolean {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    if (this.#late) return false;
    const { metric, collector, labels } = name.series;
    // Of the names of a series, those that are this one, or what is left of it below the host.
    const below = paths(name.series).filter((path) => name.path.endsWith(path));
    const subject = { names: [metric.name, name.path, ...below], collector, labels };
    const wanted = this.#wanted({ ...subject, labels: { ...name.labels, ...labels } });
    this.#named.set(name, wanted);
    return wanted;
  }

  /** Whether this collection has no time left to decide; what is not decided is left out, and counted. */
  get #late(): boolean {
    if (this.#clock.monotonic() < this.#until) return false;
    this.#leftOut += 1;
    return true;
  }
}

function encode(point: Point, form: 'series' | 'path'): string {
  const { name, value, time } = point;
  const { metric, collector, host, labels } = name.series;
  const line = {
    path: form === 'path' ? name.path : undefined,
    name: metric.name,
    labels: name.labels ?? labels,
    value,
    unit: unitOf(name) ?? null,
    kind: kindOf(name),
    time,
    host,
    collector,
    text: encodeText(point, form).trimEnd(),
  };
  return `${JSON.stringify(line)}\n`;
}
