import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One folder for whatever the tests write, so that nothing of it outlives them. */
export default function temporary(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-'));
  // Servers that the tests start run as users of their own.
  chmodSync(folder, 0o755);
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
