import { readFileSync } from 'node:fs';

/** The version in package.json, which stands two folders above dist/src/cli and one above src/cli. */
export function version(): string {
  for (const up of ['../../../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (name === 'cullinan') return version;
    } catch {
      // Not there: the other layout.
    }
  }
  return 'unknown';
}
