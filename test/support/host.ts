import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Host } from 'cullinan/plugin';
import { onTestFinished } from 'vitest';
import { recordedHost } from '../../src/host/index.ts';

/** A host with just these files, such as `{ 'proc/uptime': '12.50 40.00\n' }`, for one test. */
export function hostWith(files: Readonly<Record<string, string>>): Host {
  const moment = mkdtempSync(join(tmpdir(), 'cullinan-host-'));
  onTestFinished(() => rmSync(moment, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    const file = join(moment, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, 'latin1');
  }
  return recordedHost(moment);
}

export { changing, refusing, remembering } from '../../src/conformance/index.ts';
