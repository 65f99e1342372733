import { type Chosen, chooser } from '../plugin/index.ts';

/** What a pattern can ask about. */
export interface Subject {
  /** The inner name, the path, and the path below the host. */
  readonly names: readonly string[];
  readonly collector: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a pattern fits. */
export type Selector = (subject: Subject) => boolean;

/** Compiles a glob, or an expression behind `re:`. */
export type Compile = (glob: string) => Chosen;

/**
 * Compiles a pattern. Its parts, divided by ` & `, must all fit:
 *
 * - `collector:GLOB`, the collector instance that observed it;
 * - `label:NAME=GLOB`, a label of the series;
 * - any other, a glob or an expression behind `re:`, its inner name or its path.
 *
 * @param compile a glob or an expression; remembers the latest decision, unless said.
 * @throws {@link Error} if an expression is none, or a label has no `=`.
 */
export function selector(pattern: string, compile: Compile = one): Selector {
  const parts = pattern.split(' & ').map((text) => part(text, compile));
  return (subject) => parts.every((fits) => fits(subject));
}

/** Whether any of several patterns fits. */
export function anyOf(patterns: readonly string[], compile: Compile = one): Selector {
  const selectors = patterns.map((pattern) => selector(pattern, compile));
  return (subject) => selectors.some((fits) => fits(subject));
}

function part(text: string, compile: Compile): Selector {
  if (text.trim() === '') throw new Error('a part of it is empty');
  const [kind, rest] = divide(text, ':');
  if (rest !== undefined && kind === 'collector') {
    if (rest === '') throw new Error('"collector:" lacks a name: collector:disk');
    const fits = compile(rest);
    return ({ collector }) => fits(collector);
  }
  if (rest !== undefined && kind === 'label') {
    const [name, glob] = divide(rest, '=');
    if (glob === undefined || name === '') {
      throw new Error(`"${text}" is not of the form label:device=sd*`);
    }
    const fits = compile(glob);
    return ({ labels }) => Object.hasOwn(labels, name) && fits(labels[name] ?? '');
  }
  const fits = compile(text);
  return ({ names }) => names.some(fits);
}

/** A path is asked for when its series is named, and never again: to remember ten thousand of them is a MiB. */
const one = (glob: string): Chosen => chooser([glob], undefined, 1);

function divide(text: string, by: string): readonly [string, string | undefined] {
  const at = text.indexOf(by);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
