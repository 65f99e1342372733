/**
 * Lines that are JSON objects: how many, by what chosen fields hold, and the spread of fields that hold
 * numbers.
 *
 * Format  `{"time":"2026-11-21T08:38:12Z","level":"info","http":{"status":200,"took":0.012}}`. A field in
 *         an object in the object is named by its path: `http.status`.
 * Units   Records since the report before; numbers as they are written.
 */
import {
  defineParser,
  type Line,
  openRecords,
  recordMetrics,
  recordOptions,
} from 'cullinan/plugin';

const metrics = recordMetrics('json');

/** The field of that name, or else what stands at that path. */
export function lookUp(record: object, field: string): unknown {
  if (Object.hasOwn(record, field)) return (record as Record<string, unknown>)[field];
  let node: unknown = record;
  for (const key of field.split('.')) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return undefined;
    node = (node as Record<string, unknown>)[key];
  }
  return node;
}

export default defineParser({
  name: 'json-lines',
  summary: 'JSON objects: by what chosen fields hold, and the spread of those with numbers.',
  source: 'https://jsonlines.org/',
  options: recordOptions,
  metrics: () => Object.values(metrics),
  needles: () => ['{'],
  open: (options) =>
    openRecords(metrics, options, ({ text }: Line) => {
      try {
        const record: unknown = JSON.parse(text);
        if (typeof record !== 'object' || record === null) return undefined;
        return (field) => lookUp(record, field);
      } catch {
        return undefined;
      }
    }),
});
