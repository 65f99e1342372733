import { basename, extname } from 'node:path';
import * as plugin from '../plugin/index.ts';
import { Foreseen, type Line, type Observation, type Parser, z } from '../plugin/index.ts';
import { compile, type Doors, evaluate, isScript, whatIsWrong } from '../script/index.ts';

/** What a parser of one's own reports: a number under a name, as logster's MetricObject. */
export interface OwnNumber {
  readonly name: string;
  readonly value: number;
  /** `gauge`, the default: as it stands. `delta`: an amount, which outputs that add up are given as such. */
  readonly kind?: 'gauge' | 'delta' | undefined;
  /** Seconds since the Unix epoch, where it is not of the end of the run. */
  readonly time?: number | undefined;
}

/** A parser of one's own at work: logster's shape. It is made anew for each report. */
export interface OwnParsing {
  /** Takes in a line, without its end. @returns `false` where it is none that it knows. */
  parseLine(line: string): unknown;
  /** @param duration the real time that the lines are from, in seconds, more than 0. */
  report(duration: number): Iterable<OwnNumber>;
  /** When a line was written, in seconds since the Unix epoch; absent where lines do not say. */
  timeOf?(line: string): number | undefined;
}

/** What the file exports by default. @param optionString what `--parser-options` says. */
export type OwnParser = new (
  optionString: string,
  options: Readonly<Record<string, unknown>>,
) => OwnParsing;

/** Whether a parser is named by where its file is. */
export const isOwn = isScript;

/** What it imports of the agent. */
const doors: Doors = new Map([['cullinan/plugin', plugin]]);

const metrics = {
  value: plugin.gauge('log.value', {
    unit: 'count',
    labels: ['name'],
    help: 'What a parser of your own reports, under the name that it gives it.',
  }),
  amount: plugin.delta('log.amount', {
    unit: 'count',
    labels: ['name'],
    help: 'The same, where it is an amount.',
  }),
};

const options = z.looseObject({
  optionString: z.string().default('').describe('Handed to its constructor as it is.'),
});

/**
 * A parser in a file of one's own.
 *
 * @param path absolute.
 * @throws {@link Foreseen} in a sentence, whatever is wrong with the file.
 */
export function ownParser(path: string): Parser {
  let exports: Exports;
  try {
    exports = evaluate(compile(path), doors);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Foreseen(`it cannot be loaded: ${why}. Put it right, or name another.`, {
      cause: error,
    });
  }
  return parserFrom(path, exports);
}

type Exports = Readonly<Record<string, unknown>>;

/**
 * The parser that a file exports, by default or as all that it exports: as defineParser makes it, or
 * logster's class.
 *
 * @throws {@link Foreseen} if that is none.
 */
export function parserFrom(path: string, exports: Exports): Parser {
  const made = exports['default'] ?? exports;
  if (isWhole(made)) return made;
  const prototype = typeof made === 'function' ? (made.prototype as unknown) : undefined;
  if (!isParsing(prototype)) {
    throw new Foreseen(
      `${path} exports no parser by default: a class is needed that has parseLine(line) and report(duration).`,
    );
  }
  const Own = made as OwnParser;
  const knowsTime = typeof prototype.timeOf === 'function';
  return {
    name: basename(path, extname(path)),
    summary: 'A parser of your own.',
    source: path,
    options,
    metrics: () => Object.values(metrics),
    open(given) {
      const { optionString, ...more } = given as z.output<typeof options>;
      const make = () => within(path, 'its constructor', () => new Own(optionString, more));
      let it = make();
      return {
        parse: ({ text }: Line) => it.parseLine(text) !== false,
        ...(knowsTime ? { timeOf: ({ text }: Line) => it.timeOf?.(text) } : {}),
        *report(seconds) {
          const done = it;
          it = make();
          yield* within(path, 'report(duration)', () => [...observed(path, done.report(seconds))]);
        },
      };
    },
  };
}

/** Made by defineParser, with metrics and options of its own. */
const isWhole = (made: unknown): made is Parser =>
  typeof made === 'object' &&
  made !== null &&
  'open' in made &&
  'metrics' in made &&
  'name' in made;

const isParsing = (made: unknown): made is OwnParsing =>
  typeof made === 'object' &&
  made !== null &&
  typeof (made as Partial<OwnParsing>).parseLine === 'function' &&
  typeof (made as Partial<OwnParsing>).report === 'function';

function* observed(path: string, reported: unknown): Generator<Observation> {
  const iterable = typeof reported === 'object' && reported !== null && Symbol.iterator in reported;
  if (!iterable) {
    throw new Foreseen(`${path}: report(duration) must return a list of { name, value }`);
  }
  for (const one of reported as Iterable<Partial<OwnNumber> | undefined>) {
    const { name, value, kind, time } = one ?? {};
    if (typeof name !== 'string' || name === '' || typeof value !== 'number') {
      throw new Foreseen(
        `${path}: report(duration) gave ${JSON.stringify(one)}, which is no { name, value } with a number`,
      );
    }
    const metric = kind === 'delta' ? metrics.amount : metrics.value;
    yield metric.observe(plugin.count(value), { name }, { time });
  }
}

/** Whatever it does wrong is said as such. */
function within<T>(path: string, what: string, does: () => T): T {
  try {
    return does();
  } catch (error) {
    if (error instanceof Foreseen) throw error;
    const why = whatIsWrong(error, { path, texts: new Map([[path, '']]) });
    throw new Foreseen(`${what} failed: ${why}`, { cause: error });
  }
}
