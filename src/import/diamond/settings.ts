import type { Draft, Line } from '../draft.ts';
import type { Section, Setting } from './ini.ts';

/** What holds for one collector or handler, wherever it is written: later layers win. */
export class Settings {
  readonly draft: Draft;
  readonly #settings = new Map<string, Setting>();
  /** Sections of its own that it has, such as `[process]`. */
  readonly sections: readonly Section[];

  constructor(draft: Draft, layers: readonly (Section | undefined)[]) {
    this.draft = draft;
    for (const layer of layers) {
      for (const [key, setting] of layer?.settings ?? []) this.#settings.set(key, setting);
    }
    this.sections = layers.flatMap((layer) => [...(layer?.sections.values() ?? [])]);
  }

  get(key: string): Setting | undefined {
    return this.#settings.get(key);
  }

  keys(): string[] {
    return [...this.#settings.keys()];
  }

  text(key: string): string | undefined {
    const value = this.#settings.get(key)?.value;
    return typeof value === 'object' ? value.join(', ') : value;
  }

  /** A list, whether it is written as one or not. */
  list(key: string): readonly string[] | undefined {
    const value = this.#settings.get(key)?.value;
    if (typeof value !== 'string') return value;
    return value
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '');
  }

  /** As Diamond reads truth; `undefined` where it is not there or neither. */
  truth(key: string): boolean | undefined {
    const text = this.text(key)?.toLowerCase();
    if (text === undefined) return undefined;
    if (/^(true|t|yes|y|1)$/.test(text)) return true;
    return /^(false|f|no|n|0|)$/.test(text) ? false : undefined;
  }

  number(key: string): number | undefined {
    const text = this.text(key)?.trim();
    if (text === undefined || !/^-?\d+(\.\d+)?$/.test(text)) return undefined;
    return Number(text);
  }

  line(key: string): Line | undefined {
    return this.#settings.get(key)?.line;
  }

  lines(...keys: readonly string[]): Line[] {
    return keys.flatMap((key) => this.line(key) ?? []);
  }

  /** Puts a value under a path, where it is of its kind; else the line is left. */
  put(path: readonly string[], key: string, value: string | number | boolean | undefined): void {
    const line = this.line(key);
    if (line === undefined) return;
    if (value === undefined) this.draft.leave(line, 'this value is none that Diamond takes');
    else this.draft.set(path, value, line);
  }

  /** The line holds anyway while it has the value that is expected; else it is left. */
  expect(key: string, holds: boolean, why: string): void {
    const line = this.line(key);
    if (line === undefined) return;
    if (holds) this.draft.carry(line);
    else this.draft.leave(line, why);
  }

  leave(why: string, ...keys: readonly string[]): void {
    this.draft.leave(this.lines(...keys), why);
  }
}
