import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import log4j from '../../parsers/log4j.ts';
import {
  count,
  defineParser,
  delta,
  type Joining,
  joined,
  type Line,
  lineOf,
  z,
} from '../../src/plugin/index.ts';
import { encoded } from '../../src/wire/bytes.ts';

const said = delta('said', { unit: 'count', labels: ['line'], help: 'A record.' });

/** Reports each record that it was given; its lines have no times. */
const echo = defineParser({
  name: 'echo',
  summary: 'Says what it hears.',
  source: 'here',
  options: z.strictObject({}),
  metrics: () => [said],
  open() {
    let heard: string[] = [];
    return {
      parse: ({ text }: Line) => heard.push(text) > 0,
      *report() {
        for (const line of heard) yield said.observe(count(1), { line });
        heard = [];
      },
    };
  },
});

function hearing(joining?: Joining) {
  const parsing = joined(echo, joining).open({});
  return {
    parse: (line: string) => parsing.parse(lineOf(encoded(line))),
    heard: () => [...parsing.report(1)].map(({ labels }) => labels['line']),
  };
}

describe('lines that belong together', () => {
  it('are one record: the first and those that are indented', () => {
    const { parse, heard } = hearing();
    for (const line of ['one', '\tat a', '  at b', 'two', 'three', ' c']) parse(line);
    expect(heard()).toEqual(['one\n\tat a\n  at b', 'two', 'three\n c']);
  });

  it('are told by whatever tells the first of them', () => {
    const { parse, heard } = hearing({ begins: ({ text }) => text.startsWith('>') });
    for (const line of ['> one', 'more', '> two']) parse(line);
    expect(heard()).toEqual(['> one\nmore', '> two']);
  });

  it('count once, whatever comes between: what has lost its beginning is left out', () => {
    const { parse, heard } = hearing();
    parse('one');
    expect(heard()).toEqual(['one']);
    expect(parse(' late')).toBe(false);
    parse('two');
    expect(heard()).toEqual(['two']);
  });

  it('are kept up to a bound', () => {
    const { parse, heard } = hearing({ longest: 10 });
    for (const line of ['0123456789abc', ' x', 'short', ' y', ' and this is too long']) parse(line);
    expect(heard()).toEqual(['0123456789', 'short\n y']);
  });

  it('are one record where the parser can tell the time of the first', () => {
    const parsing = joined(log4j).open(log4j.options.parse({}));
    const time = [
      '2026-11-21 08:38:12,007 ERROR [main] org.example.Orders - cannot store',
      'java.sql.SQLException: ERROR in the statement',
      '\tat org.example.Orders.store(Orders.java:88)',
      'Caused by: java.io.IOException: disk full',
      '2026-11-21 08:38:13,000 INFO [main] org.example.Orders - stored',
    ].map((text) => {
      const line = lineOf(encoded(text));
      parsing.parse(line);
      return parsing.timeOf?.(line);
    });
    expect(new Set(time.slice(0, 4)).size).toBe(1);
    const seen = [...parsing.report(1)].filter(({ value }) => value > 0);
    expect(seen.map(({ labels, value }) => [Object.values(labels)[0], value])).toEqual([
      ['INFO', 1],
      ['ERROR', 1],
      ['java.sql.SQLException', 1],
    ]);
  });

  it('are joined whatever they hold, and every record comes once', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), fc.nat(5), (lines, every) => {
        const parsing = joined(echo).open({});
        let records = 0;
        let heard = 0;
        for (const [i, bytes] of lines.entries()) {
          const [first] = bytes;
          if (first !== undefined && first !== 32 && first !== 9) records += 1;
          parsing.parse(lineOf(bytes));
          if (i % (every + 1) === 0) heard += [...parsing.report(1)].length;
        }
        expect(heard + [...parsing.report(1)].length).toBe(records);
      }),
    );
  });
});
