/**
 * Names from outside (devices, mount points, labels) as text that a terminal only prints, never obeys.
 *
 * Escaped is whatever Unicode files under "other" (C0 and C1 controls, bidirectional overrides, lone
 * surrogates, unassigned and private characters) and the two line separators: `\n`, `\t`, `\r`,
 * `\x1b`, `\u{202e}`.
 */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNPRINTABLE, escapeChar);
}

const PLAIN = /^[\x20-\x7e]*$/;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };

function escapeChar(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return SHORT[char] ?? (code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`);
}

/** JSON in one line of harmless characters: what {@link printable} escapes, as JSON's own `\uXXXX`. */
export function printableJson(value: unknown): string {
  const json = JSON.stringify(value);
  return PLAIN.test(json) ? json : json.replace(UNPRINTABLE, escapeUnits);
}

function escapeUnits(char: string): string {
  let escaped = '';
  for (let i = 0; i < char.length; i += 1) {
    escaped += `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return escaped;
}
