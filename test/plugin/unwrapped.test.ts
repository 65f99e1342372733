import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  count,
  defineParser,
  delta,
  type Line,
  lineOf,
  unwrapped,
  z,
} from '../../src/plugin/index.ts';
import { encoded } from '../../src/wire/bytes.ts';

type Wrapper = Parameters<typeof unwrapped>[1];

/** Reports each line that it was given. */
const echo = defineParser({
  name: 'echo',
  summary: 'Says what it hears.',
  source: 'here',
  options: z.strictObject({}),
  metrics: () => [said],
  needles: () => ['never'],
  open() {
    let heard: string[] = [];
    return {
      parse({ text }: Line) {
        heard.push(text);
        return text !== 'unknown';
      },
      *report() {
        for (const line of heard) yield said.observe(count(1), { line });
        heard = [];
      },
    };
  },
});
const said = delta('said', { unit: 'count', labels: ['line'], help: 'A line.' });

function hearing(wrapper: Wrapper) {
  const parsing = unwrapped(echo, wrapper).open({});
  return {
    parse: (line: string) => parsing.parse(lineOf(encoded(line))),
    timeOf: (line: string) => parsing.timeOf?.(lineOf(encoded(line))),
    heard: () => [...parsing.report(1)].map(({ labels }) => labels['line']),
  };
}

const TIME = '2026-11-21T08:38:12.123456789Z';
const docker = (log: string) => JSON.stringify({ log, stream: 'stdout', time: TIME });
const SECONDS = Date.parse('2026-11-21T08:38:12Z') / 1000;

describe('what Docker wraps', () => {
  it('is what the container wrote, at the time it did', () => {
    const { parse, timeOf, heard } = hearing('docker');
    expect(parse(docker('a "b" \\ <c> é\r\n'))).toBe(true);
    expect(parse(docker('unknown\n'))).toBe(false);
    expect(heard()).toEqual(['a "b" \\ <c> é', 'unknown']);
    expect(timeOf(docker('x\n'))).toBeCloseTo(SECONDS + 0.123456789, 6);
  });

  it.each(['stdout', 'stderr'] as const)('is read whatever else stands there: %s', (stream) => {
    const { parse, timeOf, heard } = hearing('docker');
    const lines = [
      `{"log":"plain\\n","stream":"${stream}","attrs":{"tag":"a"},"time":"${TIME}"}`,
      `{"stream":"${stream}","log":"other order\\n","time":"${TIME}"}`,
      `{"log":"no time\\n","stream":"${stream}"}`,
      `{"log":"caf\\u00e9 \\u003cb\\u003e\\n","stream":"${stream}","time":"${TIME}"}`,
    ];
    for (const line of lines) expect(parse(line)).toBe(true);
    expect(heard()).toEqual(['plain', 'other order', 'no time', 'café <b>']);
    expect(lines.map((line) => timeOf(line) !== undefined)).toEqual([true, true, false, true]);
  });

  it('is put together where Docker has cut it, and counts once if a report comes in between', () => {
    const { parse, heard } = hearing('docker');
    for (const part of ['one ', 'line\n', 'and ', 'half']) parse(docker(part));
    expect(heard()).toEqual(['one line', 'and half']);
    for (const part of [' of', ' another\n', 'a new one\n']) parse(docker(part));
    expect(heard()).toEqual(['a new one']);
  });

  it('has parts in which there is nothing, however many', () => {
    const { parse, heard } = hearing('docker');
    for (let i = 0; i < 2000; i += 1) parse(docker(''));
    parse(docker('all of it\n'));
    expect(heard()).toEqual(['all of it']);
  });

  it('is put together of so many parts and bytes, and its rest is left out', () => {
    const { parse, heard } = hearing('docker');
    for (let i = 0; i < 1025; i += 1) parse(docker('x'));
    parse(docker('end\n'));
    parse(docker('a new one\n'));
    expect(heard()).toEqual(['x'.repeat(1024), 'a new one']);
  });

  it('is put together by where it was written to', () => {
    const { parse, heard } = hearing('docker');
    const errors = (log: string) => docker(log).replace('stdout', 'stderr');
    for (const line of [docker('out '), errors('err '), docker('put\n'), errors('or\n')]) {
      parse(line);
    }
    expect(heard()).toEqual(['out put', 'err or']);
  });
});

describe('what a runtime of Kubernetes wraps', () => {
  it('is what the container wrote, at the time it did', () => {
    const { parse, timeOf, heard } = hearing('cri');
    expect(parse(`${TIME} stdout F a line`)).toBe(true);
    expect(parse(`${TIME} stderr P a long `)).toBe(true);
    expect(parse(`${TIME} stderr F line`)).toBe(true);
    expect(parse(`${TIME} stdout F `)).toBe(true);
    expect(parse(`${TIME} stdout F:more tags and a line`)).toBe(true);
    expect(heard()).toEqual(['a line', 'a long line', '', 'tags and a line']);
    expect(timeOf(`${TIME} stdout F x`)).toBeCloseTo(SECONDS + 0.123456789, 6);
  });
});

describe('a line that is not wrapped', () => {
  it.each([
    ...['', 'plain', '{}', '{"log":7}', '{"log":"x', 'null', '{"log":"x","stream":"std'],
    ...[`${TIME} stdout X a`, `${TIME} stdout`, `${TIME} stdlog F x`, 'soon stdout F x'],
  ])('is not known, or handed on as it is: %s', (line) => {
    for (const wrapper of ['docker', 'cri'] as const) {
      expect(hearing(wrapper).parse(line)).toBe(false);
    }
    const { parse, heard } = hearing('auto');
    expect(parse(line)).toBe(true);
    expect(heard()).toEqual([line]);
  });
});

it('a wrapper can be told by the line, and by what stands first in one', () => {
  const { parse, heard } = hearing('auto');
  const other = '{"level":"info","log":"x"}';
  for (const line of [docker('a\n'), `${TIME} stdout F b`, 'c', other]) parse(line);
  expect(heard()).toEqual(['a', 'b', 'c', other]);
});

it('has no needles, because a wrapped line may spell them differently', () => {
  expect(unwrapped(echo, 'docker').needles).toBe(undefined);
});

it('takes any bytes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array()),
      fc.constantFrom('docker', 'cri', 'auto'),
      (lines, wrapper) => {
        const parsing = unwrapped(echo, wrapper as Wrapper).open({});
        for (const bytes of lines) {
          parsing.parse(lineOf(bytes));
          parsing.timeOf?.(lineOf(bytes));
        }
        [...parsing.report(1)].map(({ value }) => expect(value).toBe(1));
      },
    ),
  );
});

it('takes what was wrapped for what it was, however it was cut, and among other streams', () => {
  const stream = fc.constantFrom('stdout', 'stderr');
  const piece = fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .map((s) => s.replace(/[\r\n]/g, ' '));
  fc.assert(
    fc.property(
      fc.constantFrom('docker', 'cri'),
      fc.boolean(),
      fc.array(fc.tuple(stream, piece, fc.boolean())),
      (wrapper, known, all) => {
        const { parse, heard } = hearing(known ? (wrapper as Wrapper) : 'auto');
        const open = { stdout: '', stderr: '' };
        const expected: string[] = [];
        for (const [name, text, whole] of all) {
          if (wrapper === 'cri') parse(`${TIME} ${name} ${whole ? 'F' : 'P'} ${text}`);
          else parse(JSON.stringify({ log: whole ? `${text}\n` : text, stream: name, time: TIME }));
          open[name as keyof typeof open] += text;
          if (whole) expected.push(open[name as keyof typeof open]);
          if (whole) open[name as keyof typeof open] = '';
        }
        for (const rest of [open.stdout, open.stderr]) if (rest !== '') expected.push(rest);
        expect(heard()).toEqual(expected);
      },
    ),
  );
});

test.each(['x'.repeat(16_384), 'x'])(
  'keeps no more than its bound of a line that never ends',
  (text) => {
    const { parse, heard } = hearing('cri');
    for (let i = 0; i < 5000; i += 1) parse(`${TIME} stdout P ${text}`);
    parse(`${TIME} stdout F end`);
    parse(`${TIME} stdout F next`);
    const [first = '', ...others] = heard();
    expect(first.length).toBeLessThan(1024 * 1024 + 16_385);
    expect(others).toEqual(['next']);
  },
);
