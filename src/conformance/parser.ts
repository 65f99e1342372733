import { type Line, lineOf, type Observation, type Parser, type z } from '../plugin/index.ts';
import { type Check, chance, Unfit } from './check.ts';
import { observationLine } from './collector.ts';

/** A log's lines as a parser is given them: bytes without the line's end. */
function linesOf(log: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < log.length; ) {
    const newline = log.indexOf(10, from);
    const end = newline < 0 ? log.length : newline;
    const crlf = end > from && log[end - 1] === 13;
    lines.push(log.subarray(from, crlf ? end - 1 : end));
    from = end + 1;
  }
  return lines;
}

/** Seconds that a log is taken to be of. */
const SPAN = 60;
/** Of a line without a year. */
const NOW = 1_795_250_000;
const LONGEST = 1024 * 1024;
/** Series at once; whatever lines call themselves, a parser must not name more and more. */
const MOST_SERIES = 1200;

/** What a parser makes of a log, as text: how many lines it knows, and what they amount to. */
export function parserText<O extends z.ZodType>(
  parser: Parser<O>,
  log: Uint8Array,
  options: unknown = {},
): string {
  const parsed = parser.options.parse(options);
  const open = parser.open(parsed);
  const lines = linesOf(log);
  const known = lines.filter((bytes) => open.parse(lineOf(bytes))).length;
  const first = [...open.report(SPAN)];
  const again = [...open.report(SPAN)];
  for (const each of [first, again]) soundly(parser, parsed, each);
  const text = (them: readonly Observation[]) =>
    them.map((it) => `${observationLine({ ...it, value: Number(it.value.toPrecision(12)) })}\n`);
  return [
    `# ${parser.name} with ${JSON.stringify(options)}\n`,
    `# ${known} of ${lines.length} lines, ${SPAN} seconds\n`,
    ...text(first),
    `# no line, ${SPAN} seconds\n`,
    ...text(again),
  ].join('');
}

/** Only declared metrics with exactly their labels, only finite numbers, no series twice. */
function soundly<O extends z.ZodType>(
  parser: Parser<O>,
  options: z.output<O>,
  observations: readonly Observation[],
): void {
  const declared = new Map(parser.metrics(options).map(({ name, kind }) => [name, kind]));
  const series = new Set<string>();
  for (const observation of observations) {
    const { metric, labels, value } = observation;
    const line = observationLine(observation);
    if (declared.get(metric.name) !== metric.kind) throw new Unfit(`not declared: ${line}`);
    const labelled =
      Object.keys(labels).length === metric.labels.length &&
      metric.labels.every((label) => typeof labels[label] === 'string');
    if (!labelled || !Number.isFinite(value)) throw new Unfit(`not sound: ${line}`);
    const key = JSON.stringify([metric.name, ...metric.labels.map((label) => labels[label])]);
    if (series.has(key)) throw new Unfit(`reported twice at once: ${line}`);
    series.add(key);
  }
}

/** What every parser passes over a log of the real program, besides reporting what is written down. */
export function parserChecks<O extends z.ZodType>(
  parser: Parser<O>,
  log: Uint8Array,
  options: unknown = {},
  most = MOST_SERIES,
): readonly Check[] {
  const parsed = parser.options.parse(options);
  const lines = linesOf(log);
  const at = (below: (n: number) => number) => lines[below(lines.length)] ?? new Uint8Array();
  const bear = (make: (below: (n: number) => number) => Uint8Array, rounds: number): void => {
    const below = chance();
    const open = parser.open(parsed);
    for (let round = 0; round < rounds; round += 1) {
      const line: Line = lineOf(make(below));
      open.parse(line);
      open.timeOf?.(line, NOW);
      if (round % 50 === 0) soundly(parser, parsed, [...open.report(1)]);
    }
    soundly(parser, parsed, [...open.report(1)]);
  };
  return [
    {
      name: 'says of each line when it was written, or nothing',
      async run() {
        const open = parser.open(parsed);
        for (const bytes of lines) {
          const time = open.timeOf?.(lineOf(bytes), NOW);
          if (time !== undefined && !(time > 9e8 && time < 1e11)) {
            throw new Unfit(`a line is from ${time}, in seconds since 1970: ${Buffer.from(bytes)}`);
          }
        }
      },
    },
    {
      name: 'takes any bytes for a line at worst unknown',
      async run() {
        bear((below) => Uint8Array.from({ length: below(300) }, () => below(256)), 2000);
      },
    },
    {
      name: 'takes its own lines, cut at every byte, for no more',
      async run() {
        const some = lines.filter((_, i) => i % Math.ceil(lines.length / 50) === 0);
        const cuts = some.flatMap((line) =>
          Array.from({ length: Math.min(line.length, 2000) }, (_, length) =>
            line.subarray(0, length),
          ),
        );
        let next = 0;
        bear(() => cuts[next++] ?? new Uint8Array(), cuts.length);
      },
    },
    {
      name: 'takes its own lines, with bytes changed, for no more',
      async run() {
        bear((below) => {
          const line = Uint8Array.from(at(below));
          for (let n = below(8); n > 0 && line.length > 0; n -= 1) {
            const byte = below(256);
            line[below(line.length)] = byte === 10 ? 32 : byte;
          }
          return line;
        }, 2000);
      },
    },
    {
      name: 'bears a line of a mebibyte',
      async run() {
        bear((below) => {
          const line = Buffer.alloc(LONGEST, ['a', ' ', '"', '[', '=', '1'][below(6)]);
          line.set(at(below).subarray(0, 1000), 0);
          return line;
        }, 12);
      },
    },
    {
      name: 'names no more series than it may, whatever the lines call themselves',
      async run() {
        const open = parser.open(parsed);
        for (let i = 0; i < 8000; i += 1) {
          const text = new TextDecoder().decode(lines[i % lines.length]);
          const words = /[A-Za-z]{3,}|\d+/g;
          const turn = Math.floor(i / lines.length) % Math.max(1, text.match(words)?.length ?? 0);
          let n = -1;
          const other = text.replace(words, (old) => {
            n += 1;
            return n === turn ? `${/\d/.test(old) ? '' : 'x'}${i}` : old;
          });
          open.parse(lineOf(new TextEncoder().encode(other)));
        }
        const count = [...open.report(1)].length;
        if (count > most) throw new Unfit(`reported ${count} series at once; ${most} are bearable`);
      },
    },
  ];
}
