import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  count,
  defineParser,
  delta,
  type Line,
  lineOf,
  unwrapped,
  type Wrapper,
  wrapperOf,
  z,
} from '../../src/plugin/index.ts';
import { encoded } from '../../src/wire/bytes.ts';

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

  it('is put together where Docker has cut it, and handed on as it is with a report', () => {
    const { parse, heard } = hearing('docker');
    for (const part of ['one ', 'line\n', 'and ', 'half']) parse(docker(part));
    expect(heard()).toEqual(['one line', 'and half']);
    parse(docker(' another\n'));
    expect(heard()).toEqual([' another']);
  });
});

describe('what a runtime of Kubernetes wraps', () => {
  it('is what the container wrote, at the time it did', () => {
    const { parse, timeOf, heard } = hearing('cri');
    expect(parse(`${TIME} stdout F a line`)).toBe(true);
    expect(parse(`${TIME} stderr P a long `)).toBe(true);
    expect(parse(`${TIME} stderr F line`)).toBe(true);
    expect(parse(`${TIME} stdout F `)).toBe(true);
    expect(heard()).toEqual(['a line', 'a long line', '']);
    expect(timeOf(`${TIME} stdout F x`)).toBeCloseTo(SECONDS + 0.123456789, 6);
  });
});

describe('a line that is not wrapped', () => {
  it.each(['', 'plain', '{}', '{"log":7}', '{"log":"x', `${TIME} stdout X a`, `${TIME} stdout`])(
    'is not known: %s',
    (line) => {
      for (const wrapper of ['docker', 'cri'] as const) {
        expect(hearing(wrapper).parse(line)).toBe(false);
      }
      expect(wrapperOf(lineOf(encoded(line)))).toBe(undefined);
    },
  );
});

it('a wrapper is told by the line', () => {
  expect(wrapperOf(lineOf(encoded(docker('x\n'))))).toBe('docker');
  expect(wrapperOf(lineOf(encoded(`${TIME} stdout F x`)))).toBe('cri');
});

it('has no needles, because a wrapped line may spell them differently', () => {
  expect(unwrapped(echo, 'docker').needles).toBe(undefined);
});

it('takes any bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), fc.constantFrom('docker', 'cri'), (lines, wrapper) => {
      const parsing = unwrapped(echo, wrapper as Wrapper).open({});
      for (const bytes of lines) {
        parsing.parse(lineOf(bytes));
        parsing.timeOf?.(lineOf(bytes));
      }
      [...parsing.report(1)].map(({ value }) => expect(value).toBe(1));
    }),
  );
});

it('keeps no more of a line that never ends than a mebibyte', () => {
  const { parse, heard } = hearing('cri');
  const part = `${TIME} stdout P ${'x'.repeat(16_384)}`;
  for (let i = 0; i < 100; i += 1) parse(part);
  const lengths = heard().map((line) => line?.length ?? 0);
  expect(lengths.length).toBe(2);
  expect(Math.max(...lengths)).toBeLessThan(1024 * 1024 + 16_385);
});
