import { encodeJson, encodeText, kindOf, unitOf } from 'cullinan/wire/lines';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { point } from '../support/points.ts';

const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]+\n$/u;

const user = (facts = {}) =>
  point('system.cpu.time', {
    kind: 'counter',
    unit: 's',
    labels: { cpu: '0', state: 'user' },
    value: 0.034,
    path: 'servers.web01.cpu.cpu0.user',
    ...facts,
  });
const mount = (mountpoint: string) =>
  point('system.filesystem.limit', { unit: 'B', labels: { mountpoint }, value: 4096 });

describe('a line of text', () => {
  test('has the inner name, its labels, the value, the unit and the time', () => {
    expect(encodeText(user())).toBe(
      'system.cpu.time{cpu="0",state="user"} 0.034 seconds/s 1795219200\n',
    );
    expect(encodeText(point('system.uptime', { unit: 's', value: 12.5 }))).toBe(
      'system.uptime 12.5 seconds 1795219200\n',
    );
  });

  test('has the total of a counter in its own unit', () => {
    expect(encodeText(user({ reading: 'value', value: 17.5 }))).toContain(' 17.5 seconds 17');
  });

  test('claims no unit where the dialect has scaled the value', () => {
    expect(encodeText(user({ scale: 100, value: 3.4 }))).toContain(' 3.4 - 1795219200');
  });

  test('has the path where that is asked for, as Carbon has it', () => {
    expect(encodeText(user({ precision: 2 }), 'path')).toBe(
      'servers.web01.cpu.cpu0.user 0.03 1795219200\n',
    );
  });

  test('quotes what would end a label early', () => {
    expect(encodeText(mount('/a "b"\\c'))).toContain('{mountpoint="/a \\"b\\"\\\\c"}');
    expect(encodeText(mount('/a\nb\x1b[2J\u202e'))).toContain('"/a\\nb\\x1b[2J\\u{202e}"');
  });

  test('keeps what people write in their own script', () => {
    expect(encodeText(mount('/mnt/日本語 Größe 🎉'))).toContain('"/mnt/日本語 Größe 🎉"');
  });

  test('is one line of printable characters whatever things are called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        for (const line of [
          encodeText(mount(name)),
          encodeText(point('m', { path: name }), 'path'),
          encodeJson(mount(name)),
        ]) {
          expect(line).toMatch(PRINTABLE);
        }
      }),
    );
  });
});

describe('a line of JSON', () => {
  test('says what was measured, of which kind, in which unit, when and where', () => {
    expect(encodeJson(user({ reading: 'value' }))).toBe(
      '{"name":"system.cpu.time","labels":{"cpu":"0","state":"user"},"value":0.034,' +
        '"unit":"seconds","kind":"counter","time":1795219200,"host":"web01"}\n',
    );
  });

  test.each([
    ['rate', 'seconds/s', 'gauge'],
    ['growth', 'seconds', 'delta'],
  ] as const)('calls the %s of a counter %s, a %s', (reading, unit, kind) => {
    expect(JSON.parse(encodeJson(user({ reading })))).toMatchObject({ unit, kind });
  });

  test('has the path if asked, and no unit where the dialect has its own', () => {
    expect(JSON.parse(encodeJson(user({ scale: 100 }), { path: true }))).toMatchObject({
      path: 'servers.web01.cpu.cpu0.user',
      unit: null,
    });
  });

  test.each([false, true])('is what JSON.stringify makes of it (with the path: %s)', (path) => {
    const text = fc.string({ unit: 'binary' });
    const facts = fc.record({
      labels: fc.dictionary(text, text),
      kind: fc.constantFrom('gauge', 'counter', 'delta'),
      unit: fc.constantFrom('B', 's', '1', 'n'),
      scale: fc.constantFrom(1, 100),
      path: text,
      host: text,
    });
    const number = fc.double();
    fc.assert(
      fc.property(text, facts, fc.array(fc.tuple(number, number)), (metric, facts, readings) => {
        const { name } = point(metric, facts);
        for (const [value, time] of readings) {
          const line = encodeJson({ name, value, time }, { path });
          // Unprintable characters are escaped besides, which a reader does not notice.
          expect(JSON.stringify(JSON.parse(line))).toBe(
            JSON.stringify({
              ...(path ? { path: facts.path } : undefined),
              ...{ name: metric, labels: facts.labels, value },
              unit: facts.scale === 1 ? unitOf(name) : null,
              ...{ kind: kindOf(name), time, host: facts.host },
            }),
          );
          expect(line).toMatch(PRINTABLE);
        }
      }),
    );
  });

  test('knows two names apart that are called the same', () => {
    const [one, other] = [user(), user({ host: 'web02' })];
    expect(JSON.parse(encodeJson(one))).toMatchObject({ host: 'web01' });
    expect(JSON.parse(encodeJson(other))).toMatchObject({ host: 'web02' });
  });

  test('reads back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.double({ noNaN: true }), (name, value) => {
        fc.pre(Number.isFinite(value) && !Object.is(value, -0));
        const read: unknown = JSON.parse(encodeJson({ ...mount(name), value }));
        expect(read).toMatchObject({ labels: { mountpoint: name }, value });
      }),
    );
  });
});
