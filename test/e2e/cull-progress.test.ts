import { closeSync, openSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
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
