import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An /etc/hosts of a command's own. */
export class Hosts implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-hosts-'));
  readonly #path = join(this.#folder, 'hosts');
  /** What runs a command that sees it; takes root. */
  readonly command: readonly string[];

  constructor(text: string) {
    this.write(text);
    const script = `mount --bind ${this.#path} /etc/hosts && exec "$@"`;
    this.command = ['/usr/bin/unshare', '--mount', 'sh', '-c', script, 'sh'];
  }

  write(text: string): void {
    writeFileSync(this.#path, text);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
