const SPACE = 32;
const EQUALS = 61;
const QUOTE = 34;
const BACKSLASH = 92;

/** Fields of a line that are looked at, so that none can keep a reader busy for long. */
const MOST = 256;

/**
 * The fields of a line of logfmt: `level=info msg="it \"works\"" retried`. A key without a value holds an
 * empty text; of a key that comes twice, the last holds.
 *
 * @returns `undefined` where a line has no field with a value, or is not made of fields.
 * @see https://brandur.org/logfmt
 */
export function logfmtFields(text: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  let valued = false;
  let at = 0;
  for (let n = 0; n < MOST; n += 1) {
    while (text.charCodeAt(at) <= SPACE) at += 1;
    if (at >= text.length) break;
    const start = at;
    let code = text.charCodeAt(at);
    while (at < text.length && code > SPACE && code !== EQUALS && code !== QUOTE) {
      at += 1;
      code = text.charCodeAt(at);
    }
    if (at === start || code === QUOTE) return undefined;
    const key = text.slice(start, at);
    if (code !== EQUALS) {
      fields.set(key, '');
      continue;
    }
    valued = true;
    at += 1;
    if (text.charCodeAt(at) !== QUOTE) {
      const from = at;
      while (at < text.length && text.charCodeAt(at) > SPACE) at += 1;
      fields.set(key, text.slice(from, at));
      continue;
    }
    const from = at + 1;
    at = from;
    while (at < text.length && text.charCodeAt(at) !== QUOTE) {
      at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
    }
    if (at >= text.length) return undefined;
    fields.set(
      key,
      text.slice(from, at).replace(/\\(.)/gs, (_, c) => (c === 'n' ? '\n' : c)),
    );
    at += 1;
  }
  return valued ? fields : undefined;
}
