import { Foreseen } from '../plugin/index.ts';

/** Where something stands in a file that is imported; line and column are counted from 1. */
export interface Spot {
  readonly file: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/**
 * What is to be imported cannot be read or understood. Its message says where
 * (`file:line:column`), what, and what to do.
 */
export class InputError extends Foreseen {
  override readonly name = 'InputError';

  constructor({ file, line, column }: Spot, message: string, remedy?: string) {
    const place = [file, line, column].filter((part) => part !== undefined).join(':');
    super(harmless(`${place}: ${message}${remedy === undefined ? '' : `\n${remedy}`}`));
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they would steer the terminal.
const STEERING = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/g;

/** A text without what steers a terminal or ends a comment; lines stay. */
export const harmless = (text: string): string => text.replace(STEERING, '?');
