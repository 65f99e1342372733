/**
 * What Carbon keeps of each point, as its storage-schemas.conf says: sections in their order, of which
 * the first whose pattern is found in a name holds; its retentions, of which the first is the finest.
 */
import { type Finding, ok, warning } from './finding.ts';

interface Schema {
  readonly name: string;
  readonly pattern: RegExp;
  /** Seconds that one point is kept for. */
  readonly precision: number;
}

const UNITS: Readonly<Record<string, number>> = {
  ...{ s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 },
};

/** Sections that make no sense are left out, as Carbon does. */
export function parseSchemas(text: string): readonly Schema[] {
  const schemas: Schema[] = [];
  let name = '';
  let found: Record<string, string> = {};
  const end = () => {
    const { pattern, retentions } = found;
    const precision = secondsOf(retentions?.split(',')[0]?.split(':')[0]?.trim() ?? '');
    try {
      if (pattern !== undefined && precision !== undefined) {
        schemas.push({ name, pattern: new RegExp(pattern), precision });
      }
    } catch {
      // Python knows expressions that we do not.
    }
    found = {};
  };
  for (const line of text.split('\n')) {
    const section = /^\[(.+)\]\s*$/.exec(line)?.[1];
    const [, key, value] = /^\s*(\w+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (section !== undefined) {
      end();
      name = section;
    } else if (key !== undefined && value !== undefined) found[key.toLowerCase()] = value;
  }
  end();
  return schemas;
}

function secondsOf(text: string): number | undefined {
  const [, digits, unit = 's'] = /^(\d+)\s*([a-z])?[a-z]*$/i.exec(text) ?? [];
  const seconds = Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN);
  return seconds > 0 ? seconds : undefined;
}

/** Whether Carbon has a slot for each point of a handler, and a point for each slot. */
export function checkRetention(
  schemas: readonly Schema[],
  handler: string,
  sent: readonly { readonly path: string; readonly interval: number }[],
): readonly Finding[] {
  const wrong = new Map<string, Finding>();
  for (const { path, interval } of sent) {
    const schema = schemas.find(({ pattern }) => pattern.test(path));
    const key = `${schema?.name} ${interval}`;
    if (schema === undefined || schema.precision === interval || wrong.has(key)) continue;
    const { name, precision } = schema;
    const coarse = precision > interval;
    wrong.set(
      key,
      warning({
        check: 'retention',
        subject: handler,
        found: `${path} is sent every ${interval} s, and Carbon's section [${name}] has a slot of ${precision} s for it`,
        remedy: coarse
          ? `Only the last point of each slot is kept: set interval: ${precision}s and reduce: average for the handler, or change the retention before the files are made.`
          : `Most slots stay empty: set the interval to ${precision}s, or change the retention before the files are made.`,
      }),
    );
  }
  const all = [...wrong.values()];
  const fine = ok({
    check: 'retention',
    subject: handler,
    found: 'Carbon has a slot for each point',
  });
  return all.length > 0 ? all : [fine];
}
