import type { Draft, Line } from '../draft.ts';
import { CODE, LEFT } from './left.ts';
import { Code, type Data, type Member, type Members } from './literal.ts';

/** A member of the configuration with the line that answers for it. */
export interface Given {
  readonly value: Data;
  readonly line: Line;
}

/** What a configuration says, by name; the last of a name holds. */
export class Settings {
  readonly draft: Draft;
  readonly file: string;
  readonly #given = new Map<string, Given>();

  constructor(draft: Draft, file: string, members: readonly Member[]) {
    this.draft = draft;
    this.file = file;
    for (const { name, value, line: number, text } of members) {
      const line = draft.line(file, number, text);
      const before = this.#given.get(name);
      if (before !== undefined) draft.leave(before.line, 'it is said again below, which holds');
      if (value instanceof Code) draft.leave(line, CODE);
      else if (name in LEFT && Object.hasOwn(LEFT, name)) draft.leave(line, LEFT[name] ?? '');
      if (name !== '') this.#given.set(name, { value, line });
    }
  }

  get(name: string): Given | undefined {
    return this.#given.get(name);
  }

  /** What is given under a name, where it is data of this type. */
  take<T>(name: string, type: string): { readonly value: T; readonly line: Line } | undefined {
    const given = this.#given.get(name);
    if (given === undefined || given.value instanceof Code) return undefined;
    if (typeof given.value !== type) {
      this.draft.leave(given.line, `statsd takes a ${type} here, and so does cullinan`);
      return undefined;
    }
    return { value: given.value as T, line: given.line };
  }
}

/** Whether it is an object. */
export const isMembers = (value: Data): value is Members =>
  typeof value === 'object' && value !== null && 'members' in value;

/** The members of an object that is given. */
export const membersOf = (given: Given | undefined): readonly Member[] =>
  given !== undefined && isMembers(given.value) ? given.value.members : [];
