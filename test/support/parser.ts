import { count, delta, type Line, type Parsing } from '../../src/plugin/index.ts';

export const seen = delta('test.seen', {
  unit: 'count',
  labels: ['line'],
  help: 'How often a line was counted.',
});

/** Reports of every line how often it was counted; its first word tells lines apart. */
export function counting(): Parsing {
  let lines = new Map<string, number>();
  return {
    parse(line: Line) {
      const word = /^(l\w{6}) .*\.$/.exec(line.text)?.[1];
      if (word === undefined) return false;
      lines.set(word, (lines.get(word) ?? 0) + 1);
      return true;
    },
    *report() {
      const counted = lines;
      lines = new Map();
      for (const [line, times] of counted) yield seen.observe(count(times), { line });
    },
  };
}
