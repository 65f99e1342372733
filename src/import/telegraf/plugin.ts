import type { Draft, Line, Path, Value } from '../draft.ts';
import { Verbatim } from '../draft.ts';
import { isTable, type Toml } from './toml.ts';

/** A setting with the line that answers for it. */
export interface Given {
  readonly value: Toml;
  readonly line: Line;
}

const VARIABLE = /\$\{([A-Za-z_]\w*)(?:(:?[-?])[^}]*)?\}|\$([A-Za-z_]\w*)/g;
const SECRET = /@\{\w+:\w+\}/;

/** One `[[inputs.…]]` or `[[outputs.…]]`: its settings are taken, one by one; what is left over is left. */
export class Plugin {
  readonly draft: Draft;
  readonly kind: string;
  readonly name: string;
  readonly header: Line | undefined;
  readonly #given = new Map<string, Given>();

  constructor(draft: Draft, kind: string, name: string, header: Line | undefined) {
    this.draft = draft;
    this.kind = kind;
    this.name = name;
    this.header = header;
  }

  /** @param key dotted: `tagpass.cpu`. */
  give(key: string, given: Given): void {
    this.#given.set(key, given);
  }

  given(key: string): Given | undefined {
    return this.#given.get(key);
  }

  keys(): readonly string[] {
    return [...this.#given.keys()];
  }

  lines(...keys: readonly string[]): readonly Line[] {
    return keys.flatMap((key) => this.#given.get(key)?.line ?? []);
  }

  text(key: string): string | undefined {
    const value = this.#given.get(key)?.value;
    return typeof value === 'string' ? value : undefined;
  }

  number(key: string): number | undefined {
    const value = this.#given.get(key)?.value;
    return typeof value === 'number' ? value : undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.#given.get(key)?.value;
    return typeof value === 'boolean' ? value : undefined;
  }

  /** A list of texts; one text is a list of it. */
  list(key: string): readonly string[] | undefined {
    const value = this.#given.get(key)?.value;
    if (typeof value === 'string') return [value];
    if (!Array.isArray(value)) return undefined;
    const texts = (value as readonly Toml[]).filter((it) => typeof it === 'string');
    return texts.length === value.length ? texts : undefined;
  }

  /** A duration as cullinan writes it; Telegraf has texts with units, and numbers of seconds. */
  duration(key: string): string | undefined {
    return durationOf(this.#given.get(key)?.value);
  }

  /** Sets a key to what a setting holds, where that is of the right type. */
  copy(key: string, path: Path, read: (key: string) => Value | undefined): boolean {
    const given = this.#given.get(key);
    if (given === undefined) return false;
    const value = read.call(this, key);
    if (value === undefined) {
      this.leave('its value is of a type that could not be read', key);
      return false;
    }
    this.draft.set(path, typeof value === 'string' ? verbatim(value) : value, given.line);
    return true;
  }

  /** Sets a key to a password, or to a reference to where it is. */
  secret(key: string, path: Path): void {
    const given = this.#given.get(key);
    const text = this.text(key);
    if (given === undefined) return;
    if (text === undefined || text === '') this.carry(key);
    else if (SECRET.test(text)) {
      this.leave(
        'secret stores are not carried over: write a reference to a file or a credential of systemd',
        key,
      );
    } else if (text.search(VARIABLE) >= 0) this.draft.set(path, verbatim(text), given.line);
    else this.draft.secret(path, text, given.line);
  }

  carry(...keys: readonly string[]): void {
    this.draft.carry(this.lines(...keys));
  }

  /** Leaves settings that nothing was said of yet. */
  leave(why: string, ...keys: readonly string[]): void {
    const open = this.lines(...keys).filter((line) => !this.draft.answered(line));
    this.draft.leave(open, why);
  }

  /** Tells of defaults of variables that what was carried over does not have. */
  tellDefaults(): void {
    for (const { value, line } of this.#given.values()) {
      const names = withDefault(value);
      if (names.length === 0 || this.draft.isLeft(line)) continue;
      const why = `a default is not carried over: the environment has to have ${names.join(', ')}`;
      this.draft.leave(line, why);
    }
  }

  /** Leaves whatever nothing was said of yet. */
  leaveRest(why: string): void {
    for (const { line } of this.#given.values()) {
      if (!this.draft.answered(line)) this.draft.leave(line, why);
    }
    if (this.header !== undefined && !this.draft.answered(this.header))
      this.draft.leave(this.header, why);
  }
}

/** A text in which Telegraf's variables of the environment are cullinan's. */
export function verbatim(text: string): Value {
  if (text.search(VARIABLE) < 0) return text;
  let made = '';
  let from = 0;
  for (const { 0: all, 1: braced, 3: bare, index } of text.matchAll(VARIABLE)) {
    made += text.slice(from, index).replaceAll('${', () => '$${');
    made += `\${${braced ?? bare}}`;
    from = index + all.length;
  }
  made += text.slice(from).replaceAll('${', () => '$${');
  return new Verbatim(made, standIn(text));
}

/** Something of the kind that a variable may stand for. */
export const standIn = (text: string): string => text.replace(VARIABLE, 'x');

/** The variables in it that have a default, such as `${PORT:-2003}`. */
const withDefault = (value: Toml | undefined): readonly string[] => {
  if (typeof value === 'string')
    return [...value.matchAll(VARIABLE)].flatMap(([, name = '', sign = '']) =>
      sign.endsWith('-') ? [name] : [],
    );
  return Array.isArray(value) ? (value as readonly Toml[]).flatMap(withDefault) : [];
};

/** Whether there are variables in it. */
export const isVariable = (text: string): boolean => text.search(VARIABLE) >= 0;

const SECONDS: Readonly<Record<string, number>> = {
  ...{ ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 },
};

/** Seconds of a duration as Go writes it: `1h30m`, `500ms`; a number is seconds. */
export function secondsOf(value: Toml | undefined): number | undefined {
  if (typeof value === 'number') return value >= 0 ? value : undefined;
  if (typeof value !== 'string' || !/^(?:\d+(?:\.\d+)?(?:ns|us|\u00b5s|ms|s|m|h))+$/.test(value)) {
    return value === '0' ? 0 : undefined;
  }
  let seconds = 0;
  for (const [, number = '0', unit = 's'] of value.matchAll(
    /(\d+(?:\.\d+)?)(ns|us|\u00b5s|ms|s|m|h)/g,
  ))
    seconds += Number(number) * (SECONDS[unit] ?? 0);
  return seconds;
}

export function durationOf(value: Toml | undefined): string | undefined {
  const seconds = secondsOf(value);
  if (seconds === undefined || !Number.isFinite(seconds)) return undefined;
  const milliseconds = Math.round(seconds * 1000);
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

/** An inline table's members as settings of their own, below its name. */
export function* flattened(key: string, value: Toml): Generator<readonly [string, Toml]> {
  if (!isTable(value)) {
    yield [key, value];
    return;
  }
  for (const [name, each] of Object.entries(value)) yield* flattened(`${key}.${name}`, each);
}
