import type { Spot } from './problem.ts';

/** A directive of what is imported: what the draft answers for. */
export interface Line extends Spot {
  readonly line: number;
  /** As it is written, without blanks around it; of one that goes over several lines the first. */
  readonly text: string;
}

/** What a configuration holds. */
export type Value =
  | string
  | number
  | boolean
  | Verbatim
  | readonly Value[]
  | { readonly [key: string]: Value };

/** A text with references (`${NAME}`), which stay; in any other text `${` is written as it is meant. */
export class Verbatim {
  readonly text: string;
  /** What it stands for, as far as is known: the configuration is checked with it. */
  readonly standIn: string;
  /** Whether that is known, and secret: written out only where nobody else reads it. */
  readonly secret: boolean;

  constructor(text: string, standIn: string, { secret = false } = {}) {
    this.text = text;
    this.standIn = standIn;
    this.secret = secret;
  }
}

/** One key of the configuration that is drafted. */
export interface Entry {
  /** `undefined` where it has keys below it, or nothing. */
  value: Value | undefined;
  readonly below: Map<string, Entry>;
  /** Written before the key. */
  readonly comments: string[];
  /** The lines it came from. */
  readonly from: Set<Line>;
}

export type Path = readonly string[];

const entry = (): Entry => ({ value: undefined, below: new Map(), comments: [], from: new Set() });

type Origin = Line | readonly Line[] | undefined;

const linesOf = (from: Origin): readonly Line[] =>
  from === undefined ? [] : 'text' in from ? [from] : from;

/** Whether a header of HTTP, by its name, holds what lets somebody in. */
export const isSecretHeader = (name: string): boolean =>
  /auth|token|key|cookie|secret|pass|credential|session|signature/i.test(name);

/** Where secrets are kept that are not written into the configuration. */
const SECRETS = '/etc/cullinan/secrets';

/**
 * A configuration under construction, and the fate of every line that it is made from: a line is
 * carried over, or left with a reason. What an importer forgets is left, too, and said.
 */
export class Draft {
  readonly root = entry();
  /** In the order in which they were read. */
  readonly lines: Line[] = [];
  /** What is written in place of a configuration, where another file is the answer: a crontab. */
  instead: string | undefined;
  readonly #carried = new Set<Line>();
  readonly #left = new Map<Line, string>();

  /** Takes note of a directive; from now on the draft answers for it. */
  line(file: string, line: number, text: string): Line {
    const made = { file, line, text: text.trim() };
    this.lines.push(made);
    return made;
  }

  /**
   * Sets a key, such as `['handlers', 'graphite', 'port']`.
   *
   * @param from what it is made from: these lines are carried over.
   * @param comment written before the key.
   */
  set(path: Path, value: Value, from?: Origin, comment?: string): void {
    const made = this.#reach(path);
    made.value = value;
    made.below.clear();
    this.#tell(made, from, comment);
  }

  /**
   * Sets a key to a secret. It is written out only into a file that nobody else may read; elsewhere
   * stands a reference to a file of that name below /etc/cullinan/secrets.
   */
  secret(path: Path, value: string, from?: Origin, comment?: string): void {
    const reference = `\${file:${SECRETS}/${path.join('.').replace(/[^\w.-]/g, '_')}}`;
    this.set(path, new Verbatim(reference, value, { secret: true }), from, comment);
  }

  /** Adds to a list, which begins with this where there is none. */
  append(path: Path, value: Value, from?: Origin, comment?: string): void {
    const made = this.#reach(path);
    made.value = [...(Array.isArray(made.value) ? (made.value as Value[]) : []), value];
    this.#tell(made, from, comment);
  }

  /** Writes a comment before a key, which is there or comes to be; of an empty path, at the top. */
  note(path: Path, comment: string): void {
    this.#tell(this.#reach(path), undefined, comment);
  }

  /** What a key was set to. */
  get(path: Path): Value | undefined {
    return this.#find(path)?.value;
  }

  /** Whether there is such a key, or one below it. */
  has(path: Path): boolean {
    return this.#find(path) !== undefined;
  }

  /** A line needs no key: what it says holds anyway. */
  carry(from: Origin): void {
    for (const line of linesOf(from)) this.#carried.add(line);
  }

  /** A line could not be carried over, and why or what to do instead, without a full stop. */
  leave(from: Origin, why: string): void {
    for (const line of linesOf(from)) {
      const said = this.#left.get(line);
      // Several directives may stand on one line: each has its reason.
      if (said === undefined) this.#left.set(line, why);
      else if (!`; ${said}; `.includes(`; ${why}; `)) this.#left.set(line, `${said}; ${why}`);
    }
  }

  /** Whether something was said about a line yet. */
  answered(line: Line): boolean {
    return this.#carried.has(line) || this.#left.has(line);
  }

  /** Whether it was said that a line could not be carried over, or not all of it. */
  isLeft(line: Line): boolean {
    return this.#left.has(line);
  }

  /** Takes a key away, and all below it; the lines that it came from are left. */
  drop(path: Path, why: string): void {
    const found = this.#find(path);
    if (found === undefined) return;
    this.#find(path.slice(0, -1))?.below.delete(path.at(-1) ?? '');
    for (const line of originsOf(found)) {
      this.#carried.delete(line);
      this.leave(line, why);
    }
  }

  /** What could not be carried over, in the order in which it was read. */
  left(): readonly { readonly line: Line; readonly why: string }[] {
    return this.lines.flatMap((line) => {
      const why = this.#left.get(line);
      if (why !== undefined) return [{ line, why }];
      return this.#carried.has(line) ? [] : [{ line, why: 'cullinan has nothing of the kind' }];
    });
  }

  #reach(path: Path): Entry {
    let at = this.root;
    for (const key of path) {
      unfold(at);
      const below = at.below.get(key) ?? entry();
      at.below.set(key, below);
      at = below;
    }
    return at;
  }

  #find(path: Path): Entry | undefined {
    let at: Entry | undefined = this.root;
    for (const key of path) at = at?.below.get(key);
    return at;
  }

  #tell(made: Entry, from: Origin, comment: string | undefined): void {
    for (const line of linesOf(from)) {
      made.from.add(line);
      this.#carried.add(line);
    }
    if (comment !== undefined && !made.comments.includes(comment)) made.comments.push(comment);
  }
}

/** A map that was set as a whole, as keys: one of them is to be set by itself. */
function unfold(at: Entry): void {
  const { value } = at;
  if (value === undefined) return;
  at.value = undefined;
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof Verbatim) return;
  for (const [key, each] of Object.entries(value)) at.below.set(key, { ...entry(), value: each });
}

function* originsOf({ from, below }: Entry): Generator<Line> {
  yield* from;
  for (const each of below.values()) yield* originsOf(each);
}
