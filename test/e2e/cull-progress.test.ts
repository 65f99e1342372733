import { execFile } from 'node:child_process';
import { appendFileSync, closeSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { CulledLog } from '../support/cull.ts';
import { describeWithPeer } from '../support/peers.ts';
import { PROGRAM } from '../support/program.ts';
import { Tmux } from '../support/tmux.ts';

/** So many bytes of lines that only a regular expression knows. */
function fill(path: string, bytes: number): void {
  const lines = Buffer.from(
    'a line of a log, which says nothing that anybody has asked for\n'.repeat(20_000),
  );
  const file = openSync(path, 'a');
  for (let written = 0; written < bytes; written += lines.length) writeSync(file, lines);
  closeSync(file);
}

describeWithPeer('tmux', 'a long run on a real terminal', () => {
  test('shows how far it is, how fast and how long it will take, and leaves no trace of it', async () => {
    using it = new CulledLog();
    fill(it.log, 200_000_000);
    const terminal = new Tmux(120, 20);
    try {
      await terminal.until(/^\$/m);
      const rules = '{ rules: [{ name: asked, match: "n[a-z]+ne (ask|never)+ed" }] }';
      const words = ['cull', '--state-dir', it.state, '-o', 'stdout', '--from-start'];
      const line = [process.execPath, PROGRAM, ...words, '--parser-options', `'${rules}'`];
      const script = it.file('run.sh', `${[...line, 'regex', it.log].join(' ')}\n`);
      terminal.type(`sh ${script}`, 'Enter');
      const during = await terminal.until(/ left$/m, 15_000);
      expect(during).toMatch(
        /^\d+\.\d MiB of 19\d\.\d MiB \(\d+ %\), [\d,]+ lines\/s, \d+:\d\d left$/m,
      );
      const after = await terminal.until(/lines .* of them known\./, 60_000);
      expect(after).not.toMatch(/ left$/m);
      expect(after).toMatch(
        /mail\.log: \d+ lines.*\(19\d\.\d MiB, [\d,]+ lines\/s\), 0 of them known\./,
      );
    } finally {
      terminal.close();
    }
  });
});

describe('what a long run prints on the terminal that shows how far it is', () => {
  test('stands in lines of its own', async () => {
    using it = new CulledLog();
    // Ten numbers a minute: they are printed when there are five thousand of them, and at the end. So many lines
    // that a fast machine, too, shows before that how far it is.
    for (let minute = 0; minute < 600; minute += 1) {
      const time = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
      appendFileSync(it.log, `${time} nothing that anybody has asked for\n`.repeat(720));
    }
    const rules = Array.from(
      { length: 10 },
      (_, i) => `{ name: r${i}, match: "n[a-z]+ (has) ask" }`,
    );
    const options = `{ rules: [${rules.join(', ')}] }`;
    const words = ['cull', '--state-dir', it.state, '-o', 'stdout', '--from-start'];
    const line = [process.execPath, PROGRAM, ...words, '--parser-options', `'${options}'`];
    const program = it.file('run.sh', `${[...line, 'regex', it.log].join(' ')}\n`);
    const terminal = ['-qec', `sh ${program}`, '/dev/null'];
    const { stdout } = await promisify(execFile)('script', terminal, { maxBuffer: 2 ** 24 });
    expect(stdout).toMatch(/\r[^\r\n]+ lines\/s, \d+:\d\d left/);
    expect(stdout).not.toMatch(/left\d/);
    expect(stdout.match(/^\d{10} r\d 12\r?$/gm)).toHaveLength(6000);
  });
});
