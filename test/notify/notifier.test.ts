import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createNotifier, openChannel } from '../../src/notify/index.ts';
import { SimulatedClock } from '../support/clock.ts';

const open: number[] = [];
afterEach(() => {
  for (const descriptor of open.splice(0)) closeSync(descriptor);
});

/** A notifier that writes to a file where the launcher leaves a socket. */
function notifier(environment: Readonly<Record<string, string>> = {}, status = () => 'all fine') {
  const clock = new SimulatedClock();
  const file = join(mkdtempSync(join(tmpdir(), 'notify-')), 'said');
  const descriptor = openSync(file, 'a');
  open.push(descriptor);
  const given = { CULLINAN_NOTIFY_FD: `${descriptor}`, ...environment };
  const channel = openChannel(given, {
    clock,
    failed: (error) => {
      throw error;
    },
  });
  const made = createNotifier({ channel, environment: given, clock, pid: 42, status });
  let read = 0;
  /** What was said since this was last asked. */
  const said = (): string[] => {
    const lines = readFileSync(file, 'utf8').slice(read).split('\n').slice(0, -1);
    read = readFileSync(file).length;
    return lines;
  };
  return { clock, made, said };
}

const USUAL = { interval: 10, delivering: 5 };
const WATCHED = { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' };

test('is ready when it is told so, with a line on how it is', () => {
  const { made, said } = notifier();
  made.ready(USUAL);
  expect(said()).toEqual(['READY=1', 'STATUS=all fine']);
});

test('says how long a reload and an end may take', () => {
  const { made, said, clock } = notifier();
  made.reloading({ interval: 10, delivering: 90 });
  expect(said()).toEqual([
    'RELOADING=1',
    `MONOTONIC_USEC=${Math.floor(clock.monotonic() * 1000)}`,
    'STATUS=loading the configuration again',
    'EXTEND_TIMEOUT_USEC=100000000',
  ]);
  made.ready(USUAL);
  expect(said()).toEqual(['READY=1', 'STATUS=all fine']);
  made.stopping(USUAL);
  expect(said()).toEqual([
    'STOPPING=1',
    'STATUS=delivering what is queued',
    'EXTEND_TIMEOUT_USEC=15000000',
  ]);
});

describe('the watchdog', () => {
  test('is fed by ticks and by nothing else', () => {
    const { made, said, clock } = notifier(WATCHED);
    made.ready(USUAL);
    said();
    made.ticked();
    expect(said()).toEqual(['WATCHDOG=1']);
    clock.advance(600_000);
    expect(said()).toEqual([]);
    made.ticked();
    expect(said()).toContain('WATCHDOG=1');
  });

  test('is not fed more often than it needs, at several ticks a second', () => {
    const { made, said, clock } = notifier({ WATCHDOG_USEC: '2000000' });
    let fed = 0;
    for (let i = 0; i < 100; i += 1) {
      made.ticked();
      clock.advance(100);
      fed += said().filter((line) => line === 'WATCHDOG=1').length;
    }
    expect(fed).toBe(20);
  });

  test.each([
    ['waits for three ticks, where they come seldom', 60, 5, ['WATCHDOG_USEC=180000000']],
    ['waits for what is delivered in a reload', 10, 120, ['WATCHDOG_USEC=240000000']],
    ['sleeps where nothing ticks', undefined, 5, ['WATCHDOG_USEC=0']],
    ['is left as the unit has it, otherwise', 20, 5, []],
  ])('%s', (_, interval, delivering, expected) => {
    const { made, said } = notifier(WATCHED);
    made.ready({ interval, delivering });
    expect(said()).toEqual(['READY=1', ...expected, 'STATUS=all fine']);
    // It is told once, and again when it changes.
    made.ready({ interval, delivering });
    expect(said()).toEqual(['READY=1']);
    made.ready(USUAL);
    expect(said()).toEqual(['READY=1', ...(expected.length > 0 ? ['WATCHDOG_USEC=60000000'] : [])]);
  });

  test.each([
    ['there is none', {}],
    ['it is meant for another process', { ...WATCHED, WATCHDOG_PID: '41' }],
    ['its time is no number', { WATCHDOG_USEC: 'soon' }],
  ])('is not fed where %s', (_, environment) => {
    const { made, said } = notifier(environment as Record<string, string>);
    made.ready({ interval: 60, delivering: 5 });
    made.ticked();
    expect(said()).toEqual(['READY=1', 'STATUS=all fine']);
  });
});

describe('the status', () => {
  test('is told anew at once when its words change, and once a minute when its numbers do', () => {
    let line = '';
    const { made, said, clock } = notifier({}, () => line);
    line = 'graphite fine, 1';
    made.ready(USUAL);
    said();
    const told: string[] = [];
    const tick = (next: string) => {
      line = next;
      clock.advance(10_000);
      made.ticked();
      told.push(...said());
    };
    for (let i = 2; i <= 6; i += 1) tick(`graphite fine, ${i}`);
    expect(told).toEqual([]);
    tick('graphite fine, 7');
    tick('graphite away, 8');
    tick('graphite away, 8');
    expect(told).toEqual(['STATUS=graphite fine, 7', 'STATUS=graphite away, 8']);
  });
});

test('without systemd nothing is said', () => {
  const clock = new SimulatedClock();
  const needs = { clock, failed: () => expect.fail('nobody was told') };
  expect(openChannel({}, needs)).toBeUndefined();
  expect(openChannel({ NOTIFY_SOCKET: '' }, needs)).toBeUndefined();
  const made = createNotifier({
    ...{ channel: undefined, environment: WATCHED, clock, pid: 42 },
    status: () => expect.fail('nobody asked'),
  });
  made.ready(USUAL);
  made.ticked();
  made.stopping(USUAL);
});
