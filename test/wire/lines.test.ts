import { encodeJson, encodeText } from 'cullinan/wire/lines';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { point } from '../support/points.ts';

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
          expect(line).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]+\n$/u);
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
