import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FACILITIES,
  octetCounted,
  SEVERITIES,
  type SyslogForm,
  syslogEncoder,
} from '../../src/wire/syslog.ts';
import { point } from '../support/points.ts';
import { parseSyslog, readOctetCounted } from '../support/syslog.ts';

const FORM: SyslogForm = {
  facility: 'local0',
  severity: 'info',
  appName: 'cullinan',
  process: 812,
  enterprise: '32473',
};
const encode = syslogEncoder(FORM);

const cpu = point('system.cpu.time', {
  kind: 'counter',
  unit: 's',
  labels: { cpu: '0', state: 'user' },
  path: 'web01.system.cpu.time.0.user',
  value: 0.034,
});

describe('a message', () => {
  it('has the number and what it is of as structured data, and a text for people', () => {
    expect(encode(cpu)).toBe(
      '<134>1 2026-11-21T00:00:00.000Z web01 cullinan 812 metric ' +
        '[metric@32473 name="system.cpu.time" value="0.034" unit="seconds/s" kind="gauge"]' +
        '[labels@32473 cpu="0" state="user"] web01.system.cpu.time.0.user 0.034',
    );
  });

  it('has no labels where there are none, and no unit where the dialect made another', () => {
    expect(encode(point('load', { path: 'load', value: 2.71999, precision: 2, scale: 100 }))).toBe(
      '<134>1 2026-11-21T00:00:00.000Z web01 cullinan 812 metric ' +
        '[metric@32473 name="load" value="2.72" kind="gauge"] load 2.72',
    );
  });

  it('says how much it matters, and by whom it is said', () => {
    for (const [facility, word] of FACILITIES.entries()) {
      for (const [severity, other] of SEVERITIES.entries()) {
        const form = { ...FORM, facility: word, severity: other };
        const read = parseSyslog(syslogEncoder(form)(cpu));
        expect(read).toMatchObject({ facility, severity });
      }
    }
  });

  it('has the time to the millisecond, and none where four digits hold no such year', () => {
    const at = (time: number) => parseSyslog(encode({ ...cpu, time })).timestamp;
    expect(at(1.5)).toBe('1970-01-01T00:00:01.500Z');
    expect(at(253_402_300_799)).toBe('9999-12-31T23:59:59.000Z');
    expect(at(253_402_300_800)).toBeUndefined();
    expect(at(1e300)).toBeUndefined();
    expect(at(Number.NaN)).toBeUndefined();
  });

  it('marks a text that is more than ASCII', () => {
    const text = encode(point('a', { path: 'größe' }));
    expect(text).toContain('] \ufeffgröße 1');
    expect(parseSyslog(text).text).toBe('größe 1');
  });
});

const word = fc.string({ unit: 'binary', maxLength: 40 });

describe('whatever a device is called', () => {
  const points = fc
    .record({
      name: word,
      path: word,
      host: fc.oneof(word, fc.constant('x'.repeat(300))),
      labels: fc.dictionary(word, word, { maxKeys: 4 }),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
      time: fc.oneof(fc.double(), fc.integer({ min: 0, max: 2 ** 40 })),
    })
    .map(({ name, ...facts }) => point(name, facts));

  it('gives a message as the RFC has it, in one line, that says the number', () => {
    fc.assert(
      fc.property(points, (it) => {
        const message = encode(it);
        expect(message).not.toMatch(/\p{Cc}/u);
        const { data } = parseSyslog(message);
        expect(Number(data.get('metric@32473')?.get('value'))).toBe(it.value + 0);
        const labels = Object.keys(it.name.series.labels);
        expect(data.has('labels@32473')).toBe(labels.length > 0);
      }),
    );
  });

  it('keeps every printable value as it is', () => {
    const printable = fc.stringMatching(/^[ -~äöü€]{0,30}$/);
    fc.assert(
      fc.property(printable, (value) => {
        const { data } = parseSyslog(encode(point('a', { labels: { device: value } })));
        expect(data.get('labels@32473')?.get('device')).toBe(value);
      }),
    );
  });

  it('keeps its messages apart in a stream', () => {
    fc.assert(
      fc.property(fc.array(points), (batch) => {
        const messages = batch.map(encode);
        const stream = Buffer.from(messages.map(octetCounted).join(''));
        expect(readOctetCounted(stream)).toEqual(messages);
      }),
    );
  });
});
