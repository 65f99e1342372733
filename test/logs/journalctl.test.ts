import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../src/clock/index.ts';
import { JournalTail } from '../../src/logs/journal-tail.ts';
import { LineFinder } from '../../src/logs/lines.ts';
import type { Loss } from '../../src/logs/loss.ts';
import { SimulatedClock } from '../support/clock.ts';
import { exported } from '../support/journal.ts';
import { runs } from '../support/processes.ts';

/** A folder of programs that has this journalctl, or none. */
function programs(script?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-journalctl-'));
  if (script !== undefined) {
    const path = join(folder, 'journalctl');
    writeFileSync(path, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}`);
    chmodSync(path, 0o755);
  }
  return folder;
}

/** A tail of what a journalctl like this writes. */
function tailing(script: string | undefined, clock: Clock = systemClock, abort?: AbortController) {
  const lines: string[] = [];
  const losses: Loss[] = [];
  const finder = new LineFinder((line) => void lines.push(line.text));
  const lost = (loss: Loss) => void losses.push(loss);
  const environment = { PATH: programs(script) };
  const signal = () => abort?.signal;
  const tail = new JournalTail(
    { path: 'journal:', clock, finder, lost, environment, signal },
    { entry: 's=1;i=1;b=2;m=3;t=4;x=1', ours: true, at: 0 },
  );
  return { tail, lines, losses };
}

const entry = (i: number, message = `message ${i}`) =>
  exported({
    __CURSOR: `s=1;i=${i};b=2;m=3;t=4;x=${i}`,
    __REALTIME_TIMESTAMP: 1_790_000_000_000_000 + i,
    MESSAGE: message,
  }).toString();
const print = (text: string) => `cat <<'END'\n${text}\nEND\n`;

test('where there is no journalctl, it is said what that means', async () => {
  const { tail } = tailing(undefined);
  await expect(tail.catchUp()).rejects.toThrow(
    'there is no program journalctl, which reads the journal: is this a host with systemd?',
  );
});

test.each([
  ['all of it', 'No journal files were opened due to insufficient permissions.', 1],
  [
    'what others write',
    'Hint: You are currently not seeing messages from other users and the system.\n      Users in groups can.',
    0,
  ],
])('whoever may not read %s is told which group it takes', async (_, said, code) => {
  const { tail } = tailing(`echo "${said}" >&2; exit ${code}`);
  await expect(tail.catchUp()).rejects.toThrow(/usermod -aG systemd-journal USER/);
});

test('what it says of an error is in the error', async () => {
  const { tail } = tailing('echo "Failed to seek to cursor: Invalid argument" >&2; exit 1');
  await expect(tail.catchUp()).rejects.toThrow(
    'journalctl ends with 1: Failed to seek to cursor: Invalid argument',
  );
});

test('what it wrote before it was killed is read, and the rest next time', async () => {
  const { tail, lines } = tailing(`${print(`${entry(1)}${entry(2)}${entry(3)}`)}kill -9 $$`);
  await expect(tail.catchUp()).rejects.toThrow('journalctl was ended by SIGKILL');
  expect(lines).toEqual(['message 2', 'message 3']);
  expect(tail.cursor?.entry).toBe('s=1;i=3;b=2;m=3;t=4;x=3');
});

test.each([
  ['text', 'error: you are in degraded mode'],
  ['JSON', '{"__CURSOR":"s=1","MESSAGE":"x"}\n'],
  ['no entry', 'MESSAGE=x\n'],
  ['a length of terabytes', 'MESSAGE\nabcdefgh'],
])('garbage is no journal: %s', async (_, text) => {
  const { tail, lines } = tailing(print(`${entry(1)}${entry(2)}${text}\n`));
  await expect(tail.catchUp()).rejects.toThrow(
    /journalctl (writes what is no journal|ended within)/,
  );
  expect(lines).toEqual(['message 2']);
  expect(tail.cursor?.entry).toBe('s=1;i=2;b=2;m=3;t=4;x=2');
});

test('one that hangs is killed, with what it has started', async () => {
  const clock = new SimulatedClock();
  const marks = programs();
  const { tail } = tailing(`sleep 600 & echo $! > ${marks}/pid; wait`, clock);
  const read = tail.catchUp();
  const failed = expect(read).rejects.toThrow('has neither written nor ended within 30 s');
  const pid = await vi.waitFor(() => {
    const found = Number(readFileSync(join(marks, 'pid'), 'utf8'));
    if (!(found > 0)) throw new Error('not started');
    return found;
  });
  clock.advance(30_000);
  await failed;
  await vi.waitFor(() => {
    expect(runs(pid)).toBe(false);
  });
});

test('whoever has no time left ends it', async () => {
  const abort = new AbortController();
  const { tail } = tailing('exec sleep 600', systemClock, abort);
  const read = tail.catchUp();
  abort.abort(new Error('the tick is over'));
  await expect(read).rejects.toThrow('the tick is over');
});

test('an entry that was copied to another file is the same', async () => {
  const copied = entry(1).replace('s=1;i=1;', 's=7;i=9;');
  const { tail, lines, losses } = tailing(print(`${copied}${entry(2)}`));
  await tail.catchUp();
  expect(lines).toEqual(['message 2']);
  expect(losses).toEqual([]);
});
