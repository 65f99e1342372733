import { readFileSync } from 'node:fs';

/** The version in package.json: beside the packaged bundle, one folder above a built one, two above this file. */
export function version(): string {
  for (const up of ['./package.json', '../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (name === 'cullinan') return version;
    } catch {
      // Not there: this is the other file.
    }
  }
  return 'unknown';
}
