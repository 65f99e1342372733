import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeWithPeer } from '../support/peers.ts';
import { PROGRAM } from '../support/program.ts';
import { Tmux } from '../support/tmux.ts';

/** A percentage of the CPU, and the rate of a disk or an interface: both need two readings. */
const RATES = /^ CPU .* \d+%[\s\S]* \d[\d.]* (k|M|G|Ki|Mi|Gi)?(B|bit)\/s/m;

describeWithPeer('tmux', 'the live view on a real terminal', () => {
  let terminal: Tmux;
  beforeEach(async () => {
    terminal = new Tmux(100, 30);
    await terminal.until(/^\$/m);
  });
  afterEach(() => terminal.close());

  const start = () => terminal.type(`${process.execPath} ${PROGRAM} run`, 'Enter');
  const isRunning = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  const lastLine = (screen: string) => screen.trimEnd().split('\n').at(-1);

  test('shows the first rates within two seconds of the start', async () => {
    start();
    const screen = await terminal.until(RATES, 2000);
    expect(screen).toMatch(/^ Mem .* GiB/m);
    expect(screen).toMatch(/^ Filesystem .*\n \/ /m);
    expect(screen).toContain('load');
    expect(terminal.state()).toEqual({ alternate: true, cursor: false, wrap: false });
  });

  test.each([
    [60, 20],
    [140, 50],
  ])('fills a terminal that becomes %i × %i', async (columns, rows) => {
    start();
    await terminal.until(RATES);
    terminal.resize(columns, rows);
    const quits = new RegExp(`^ cullinan.{${columns - 26},}Ctrl-C quits$`, 'm');
    const screen = await terminal.until(
      new RegExp(`^(.*\\n){${rows - 1}} cullinan .*Ctrl-C quits`),
    );
    expect(lastLine(screen)).toMatch(quits);
    expect(screen.split('\n').filter((line) => line.includes('Ctrl-C quits'))).toHaveLength(1);
    expect(screen).toMatch(RATES);
  });

  test.each([
    ['C-c', 'Ctrl-C'],
    ['q', 'q'],
  ])('leaves the terminal as it was at %s (%s)', async (key) => {
    start();
    await terminal.until(RATES);
    terminal.type(key);
    const screen = await terminal.until(/stopped[\s\S]*^\$ *$/m);
    expect(screen).not.toContain('Ctrl-C quits');
    expect(terminal.state()).toEqual({ alternate: false, cursor: true, wrap: true });
    terminal.type('echo it "echoes"', 'Enter');
    expect(await terminal.until(/^it echoes$/m)).toContain('echo it "echoes"');
  });

  test('leaves the terminal as it was when the agent crashes', async () => {
    const crash = "'setTimeout(() => { throw new Error(String(1000 + 1)) }, 2500)'";
    terminal.type(`node --import "data:text/javascript,"${crash} ${PROGRAM} run`, 'Enter');
    await terminal.until(RATES);
    await terminal.until(/Error: 1001/);
    expect(terminal.state()).toEqual({ alternate: false, cursor: true, wrap: true });
  });

  test('ends the agent when the window is closed', async () => {
    terminal.type(`echo "pid $$." && exec ${process.execPath} ${PROGRAM} run`, 'Enter');
    const pid = Number(/pid (\d+)\./.exec(await terminal.until(/^pid \d+\./m))?.[1]);
    await terminal.until(RATES);
    terminal.close();
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
    terminal = new Tmux(80, 24);
  });

  test('can be suspended and goes on', async () => {
    start();
    await terminal.until(RATES);
    terminal.type('C-z');
    await terminal.until(/Stopped|Suspended/);
    expect(terminal.state()).toEqual({ alternate: false, cursor: true, wrap: true });
    terminal.type('fg', 'Enter');
    await terminal.until(RATES);
  });

  test('without colours and Unicode is plain text', async () => {
    terminal.type('export NO_COLOR=1 LANG=C', 'Enter');
    start();
    expect(await terminal.until(RATES)).toMatch(/^[\x20-\x7e\n]*$/);
  });
});
