import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real terminal with a shell in it, which a test types into and reads. */
export class Tmux {
  readonly #socket = `cullinan-${randomUUID()}`;

  constructor(columns: number, rows: number) {
    this.#run(
      'new-session',
      '-d',
      ...['-x', String(columns), '-y', String(rows)],
      'env -i PATH="$PATH" HOME=/ TERM=screen LANG=C.UTF-8 PS1=\'$ \' sh -i',
    );
  }

  #run(...words: readonly string[]): string {
    return execFileSync('tmux', ['-u', '-L', this.#socket, '-f', '/dev/null', ...words], {
      encoding: 'utf8',
    });
  }

  /** Types text, or keys by tmux's names (`Enter`, `C-c`). */
  type(...keys: readonly string[]): void {
    this.#run('send-keys', ...keys);
  }

  /** What is on the screen, line by line. */
  screen(): string {
    return this.#run('capture-pane', '-p');
  }

  resize(columns: number, rows: number): void {
    this.#run('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Whether the alternate screen is shown, the cursor visible, and long lines wrapped. */
  state(): { readonly alternate: boolean; readonly cursor: boolean; readonly wrap: boolean } {
    const flags = this.#run('display-message', '-p', '#{alternate_on}#{cursor_flag}#{wrap_flag}');
    return { alternate: flags[0] === '1', cursor: flags[1] === '1', wrap: flags[2] === '1' };
  }

  /** The first screen that matches; rejects with the last one at the deadline, in milliseconds. */
  async until(pattern: RegExp, deadline = 10_000): Promise<string> {
    const start = performance.now();
    for (;;) {
      const screen = this.screen();
      if (pattern.test(screen)) return screen;
      if (performance.now() - start > deadline) {
        throw new Error(`no ${pattern} within ${deadline} ms on the screen:\n${screen}`);
      }
      await sleep(20);
    }
  }

  close(): void {
    this.#run('kill-server');
  }
}
