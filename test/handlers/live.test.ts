import type { AgentStatus, Connection } from 'cullinan/plugin';
import { beforeEach, describe, expect, test } from 'vitest';
import handler, { drawOn, type Terminal } from '../../handlers/live.ts';
import { idleAgent } from '../support/collector.ts';
import { around } from '../support/delivery.ts';
import { health, pointsOf, SMALL } from '../support/machine.ts';

const forever = new AbortController().signal;
const NOW = 1_795_219_200;

const agent: AgentStatus = { ...idleAgent, problem: health(true).problem };

/** A terminal that remembers what it was sent, and takes it when it is told to. */
class Paper implements Terminal {
  readonly sent: string[] = [];
  surface = { columns: 80, rows: 24, colour: false, unicode: true, timeZone: 'UTC' };
  moves = true;
  restored = 0;
  slow = false;
  take: () => void = () => {};
  redraw: () => void = () => {};
  write(text: string): Promise<void> {
    this.sent.push(text);
    if (!this.slow) return Promise.resolve();
    return new Promise((resolve) => {
      this.take = resolve;
    });
  }
  onRedraw(redraw: () => void): void {
    this.redraw = redraw;
  }
  restore(): void {
    this.restored += 1;
  }
}

/** Until everything that is due now has been drawn. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise(setImmediate);
}

const placed = (text: string): readonly string[] => text.split(';1H').slice(1);

let paper: Paper;
let live: Connection;
beforeEach(() => {
  paper = new Paper();
  live = drawOn(paper, agent);
});

const tick = async (after: number) => {
  await live.write(pointsOf(SMALL, NOW + after), forever);
  await settled();
};

describe('the live view', () => {
  test('draws with the first batch, and not before', async () => {
    await settled();
    expect(paper.sent).toEqual([]);
    await tick(0);
    expect(paper.sent).toHaveLength(1);
    expect(placed(paper.sent[0] ?? '')).toHaveLength(24);
    expect(paper.sent[0]).toContain('web01');
  });

  test('draws the batches of one tick in one picture', async () => {
    const points = pointsOf(SMALL, NOW);
    for (const point of points) await live.write([point], forever);
    await settled();
    expect(paper.sent).toHaveLength(1);
  });

  test('writes only the lines that changed', async () => {
    await tick(0);
    await tick(10);
    expect(placed(paper.sent[1] ?? '')).toHaveLength(1);
    expect(paper.sent[1]).toContain('00:00:10');
  });

  test('draws everything now and then: something else may have written to the terminal', async () => {
    for (let t = 0; t <= 60; t += 10) await tick(t);
    expect(paper.sent.map((text) => placed(text).length)).toEqual([24, 1, 1, 1, 1, 1, 24]);
  });

  test('draws everything in the new size when that changes', async () => {
    await tick(0);
    paper.surface = { ...paper.surface, columns: 60, rows: 20 };
    paper.redraw();
    await settled();
    expect(placed(paper.sent[1] ?? '')).toHaveLength(20);
  });

  test('does not draw at a change of size before there is anything to show', async () => {
    paper.redraw();
    await settled();
    expect(paper.sent).toEqual([]);
  });

  test('a slow terminal misses pictures, and gets the newest one when it is ready', async () => {
    paper.slow = true;
    for (let t = 0; t <= 30; t += 10) await tick(t);
    expect(paper.sent).toHaveLength(1);
    paper.take();
    await settled();
    expect(paper.sent).toHaveLength(2);
    expect(paper.sent[1]).toContain('00:00:30');
  });

  test('a terminal that has gone ends the connection', async () => {
    paper.write = () => Promise.reject(new Error('write EIO'));
    await tick(0);
    expect(await live.ended).toMatchObject({ message: 'write EIO' });
  });

  test('a terminal that cannot move its cursor gets one picture below the other', async () => {
    paper.moves = false;
    await tick(0);
    await tick(10);
    for (const text of paper.sent) expect(text).not.toMatch(/\p{Cc}(?<!\n)/u);
    expect(paper.sent[1]?.split('\n')).toHaveLength(26);
  });

  test('restores the terminal at the end, and draws nothing after', async () => {
    await tick(0);
    await live.close();
    expect(paper.restored).toBe(1);
    await tick(10);
    expect(paper.sent).toHaveLength(1);
  });
});

test.skipIf(process.stdout.isTTY)('says what to do where there is no terminal', async () => {
  const opened = handler.open({ options: handler.options.parse({}), signal: forever, ...around });
  await expect(opened).rejects.toThrow(
    'Use the handler console, or start the agent on a terminal.',
  );
});
