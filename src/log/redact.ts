/**
 * Replaces every secret in a text by `***`, also as JSON escapes it. The longest goes first, because
 * a secret may be the beginning of another.
 */
export function redact(text: string, secrets: ReadonlySet<string>): string {
  let clean = text;
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret === '') continue;
    clean = clean.replaceAll(secret, '***').replaceAll(JSON.stringify(secret).slice(1, -1), '***');
  }
  return clean;
}
