/**
 * File names are bytes. Inside, they are texts of one character per byte, as a {@link Tree} hands
 * them out; here they become what `node:fs` takes.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
const ASCII = /^[\x00-\x7f]*$/;

/** A path of one character per byte, in the form that `node:fs` opens byte for byte. */
export const native = (path: string): string | Buffer =>
  ASCII.test(path) ? path : Buffer.from(path, 'latin1');

/** A path as a person writes it, in a configuration or on a command line, as one character per byte. */
export const bytewise = (path: string): string =>
  ASCII.test(path) ? path : Buffer.from(path, 'utf8').toString('latin1');

/** Without the slashes at its end, so that `${base}/${path}` is a path; '' for the root itself. */
export const withoutTrailingSlash = (path: string): string => path.replace(/\/+$/, '');
