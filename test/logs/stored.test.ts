import { expect, test } from 'vitest';
import { cullHeld } from '../../src/logs/cull.ts';
import { decodeEntries, encodeEntry } from '../../src/logs/entries.ts';
import { Follow } from '../../src/logs/follow.ts';
import { statePath } from '../../src/logs/state.ts';
import { Foreseen } from '../../src/plugin/index.ts';
import { SimulatedClock } from '../support/clock.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { counting } from '../support/parser.ts';

const LOG = '/var/log/it.log';
const STATE = statePath('/state', 'counting', LOG);
const INSTEAD = [null, {}, [], [null], 'x', -1, 0.5, 1e300, true, undefined];

type Json = Record<string, unknown>;

/** Every place in a JSON text, each with something else in it. */
function* changed(text: string): Generator<{ readonly what: string; readonly text: string }> {
  const places = function* (it: unknown, path: readonly string[]): Generator<readonly string[]> {
    yield path;
    if (typeof it !== 'object' || it === null) return;
    for (const [key, each] of Object.entries(it)) yield* places(each, [...path, key]);
  };
  for (const path of places(JSON.parse(text), [])) {
    for (const value of INSTEAD) {
      const whole = { it: JSON.parse(text) as unknown };
      const [last = '', ...above] = ['it', ...path].reverse();
      const around = above.reverse().reduce<Json>((at, key) => at[key] as Json, whole);
      around[last] = value;
      const what = `${path.join('.')} is ${JSON.stringify(value)}`;
      yield { what, text: JSON.stringify(whole.it) ?? '' };
    }
  }
}

/** A log and what it was rotated to, read by a run that could send nothing; and what that has kept. */
async function kept() {
  const clock = new SimulatedClock(1_790_000_000_000);
  const files = new MemoryFiles(clock.now);
  const run = (fails: boolean) =>
    cullHeld({
      ...{ log: LOG, parser: 'counting', folder: '/state', parsing: counting(), clock, files },
      first: { from: 'start', interval: undefined },
      send: async () => {
        if (fails) throw new Foreseen('not delivered');
      },
    });
  for (const line of ['l000001 one.\n', 'l000002 two.\n']) {
    if (files.has(LOG)) files.move(LOG, `${LOG}.1`);
    files.writing(LOG).append(line);
    await expect(run(true)).rejects.toThrow('not delivered');
    clock.advance(60_000);
  }
  return { files, run, clock, state: files.text(STATE) };
}

test('a state that was changed in any place is told of as none, or is one', async () => {
  const { files, run, state } = await kept();
  const said = new Set<string>();
  for (const { what, text } of changed(state)) {
    await files.store(STATE, text);
    try {
      await run(false);
    } catch (error) {
      expect(error, what).toBeInstanceOf(Foreseen);
      said.add((error as Error).message);
    }
  }
  const words = (why: string) =>
    `${STATE}: this is no state of a log: ${why} is not as it was written. What was read until when is not known. Remove the file to begin anew at the end of the log.`;
  expect(said).toContain(words('how far it was read'));
  expect(said).toContain(words('what is to be sent'));
  expect(said).toContain(words('its time'));
});

test('and so is a line of a ledger', async () => {
  const { files, clock, state } = await kept();
  const { positions } = JSON.parse(state);
  const notes = [{ metric: 'test.seen', value: 1, labels: { line: 'l000001' }, seconds: 60 }];
  const left = new Map([[LOG, { at: clock.now(), positions }]]);
  const finding = { reader: 'it', observations: notes, news: true, left };
  const first = '{"version":1,"last":0,"left":[]}\n';
  let refused = 0;
  for (const { what, text } of changed(encodeEntry(1, { time: 10, findings: [finding] }))) {
    try {
      const places = decodeEntries(`${first}${text}\n`).places.get('it') ?? new Map();
      const needs = { path: LOG, parsing: counting(), from: 'start', clock, files } as const;
      const { errors } = await new Follow({ ...needs, places }).look();
      for (const error of errors) expect(error, what).toBeInstanceOf(Foreseen);
    } catch (error) {
      expect(error, what).toBeInstanceOf(Foreseen);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(100);
});
