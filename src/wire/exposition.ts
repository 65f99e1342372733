/**
 * What Prometheus reads of a target: its text format, and OpenMetrics, which is stricter.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @see https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */

/** One series as it stands. */
export interface Exposed {
  /** `node_cpu_seconds_total{cpu="0",mode="user"}`: labels are escaped already. */
  readonly path: string;
  readonly value: number;
  /** Seconds since the Unix epoch; `undefined` leaves it to the reader's clock. */
  readonly time: number | undefined;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
}

export type Format = 'text' | 'openmetrics';

export const CONTENT_TYPE: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

const TOTAL = /_total$/;

/** The family's name and type; OpenMetrics names a counter's family without the end of its samples' name. */
function familyOf(name: string, type: Exposed['type'], format: Format): readonly [string, string] {
  if (format === 'text') return [name, type];
  if (type === 'counter') {
    return TOTAL.test(name) ? [name.replace(TOTAL, ''), 'counter'] : [name, 'unknown'];
  }
  // A gauge of such a name would pass for the samples of a counter.
  return [name, TOTAL.test(name) ? 'unknown' : 'gauge'];
}

const escaped = (help: string, format: Format): string => {
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'text' ? text : text.replaceAll('"', '\\"');
};

const spell = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
};

/**
 * A whole page. Series of one name stand together, as both formats want it, in the order in which the
 * names first come; the first of a name says its type and help.
 */
export function encodeExposition(series: Iterable<Exposed>, format: Format): string {
  const families = new Map<string, string>();
  for (const { path, value, time, type, help } of series) {
    const brace = path.indexOf('{');
    const name = brace < 0 ? path : path.slice(0, brace);
    let lines = families.get(name);
    if (lines === undefined) {
      const [family, spelled] = familyOf(name, type, format);
      lines = `# HELP ${family} ${escaped(help, format)}\n# TYPE ${family} ${spelled}\n`;
    }
    const stamp =
      time === undefined ? '' : ` ${format === 'text' ? Math.round(time * 1000) : time}`;
    families.set(name, `${lines}${path} ${spell(value)}${stamp}\n`);
  }
  return [...families.values()].join('') + (format === 'openmetrics' ? '# EOF\n' : '');
}
