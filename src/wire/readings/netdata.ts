/**
 * What Netdata's external plugins say: CHART and DIMENSION declare, BEGIN, SET and END tell.
 *
 * A dimension is called as Netdata's own exporting calls it, `chart.dimension`. An incremental one is a counter;
 * the sign of its multiplier, by which Netdata draws it below the line, is left out of that, as a counter does not
 * fall. Shares of a row are computed of what the row says.
 *
 * @see https://learn.netdata.cloud/docs/developer-and-contributor-corner/external-plugins
 */
import {
  isName,
  isNoNumber,
  type LineReader,
  NO_LABELS,
  numberIn,
  type Reading,
  refused,
  type Said,
} from './reading.ts';

const FORM = 'plugins.d';

interface Dimension {
  readonly name: string;
  readonly algorithm: string;
  /** What a value is multiplied by. */
  readonly scale: number;
  /** What it was before, for what is a share of a growth. */
  before: number | undefined;
}

interface Chart {
  readonly name: string;
  readonly title: string;
  readonly dimensions: Map<string, Dimension>;
}

/** So many charts, and so many dimensions of each. */
const MOST = 2000;

/** Words, in quotes of either kind or without; inside quotes nothing is escaped. */
function words(line: string): string[] {
  const found: string[] = [];
  for (const [, double, single, bare] of line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"'=]+|=)/g)) {
    found.push(double ?? single ?? bare ?? '');
  }
  return found;
}

/** A name as Netdata's exporting spells it. */
const spelled = (name: string): string => name.replace(/[^\w.-]/g, '_');

const orOne = (text: string | undefined): number => {
  const number = numberIn(text ?? '');
  return Number.isNaN(number) || number === 0 ? 1 : number;
};

export interface NetdataReader extends LineReader {
  /** Whether the plugin said that it has nothing to do here: it is not started again. */
  readonly disabled: boolean;
}

export function netdataReader(): NetdataReader {
  const charts = new Map<string, Chart>();
  let latest: Chart | undefined;
  let begun: { readonly chart: Chart; readonly values: Map<Dimension, number> } | undefined;
  let disabled = false;

  function declareChart([, id = '', name = '', title = '']: readonly string[], line: string): void {
    if (!/^[^.]+\../.test(id) || !isName(id)) throw refused(FORM, line, 'has no chart type.id');
    const known = charts.get(id);
    if (known === undefined && charts.size >= MOST)
      throw refused(FORM, line, 'is one chart too many');
    const type = id.slice(0, id.indexOf('.'));
    const called = spelled(name === '' ? id : `${type}.${name}`);
    latest = { name: called, title, dimensions: known?.dimensions ?? new Map() };
    charts.set(id, latest);
  }

  function declareDimension(said: readonly string[], line: string): void {
    const [, id = '', name = '', algorithm = '', multiplier, divisor] = said;
    if (latest === undefined || !isName(id)) throw refused(FORM, line, 'belongs to no chart');
    const { dimensions } = latest;
    const known = dimensions.get(id);
    if (known === undefined && dimensions.size >= MOST) {
      throw refused(FORM, line, 'is one dimension too many');
    }
    const scale = orOne(multiplier) / orOne(divisor);
    const it = { name: spelled(name === '' ? id : name), algorithm, scale, before: known?.before };
    dimensions.set(id, it);
  }

  function set([, id = '', equals, text = '']: readonly string[], line: string): void {
    const dimension = begun?.chart.dimensions.get(id);
    if (begun === undefined || dimension === undefined || equals !== '=') {
      throw refused(FORM, line, 'sets what was not declared');
    }
    if (text === '' || isNoNumber(text)) return;
    const value = numberIn(text);
    if (Number.isNaN(value)) throw refused(FORM, line, 'has no number');
    begun.values.set(dimension, value);
  }

  function told({ readings }: Said): void {
    if (begun === undefined) return;
    const { chart, values } = begun;
    begun = undefined;
    const push = (dimension: Dimension, reading: Pick<Reading, 'value' | 'kind' | 'unit'>) =>
      readings.push({
        ...reading,
        name: `${chart.name}.${dimension.name}`,
        labels: NO_LABELS,
        help: chart.title,
      });
    const rows = [...values];
    const whole = rows.reduce((sum, [, value]) => sum + value, 0);
    const growths = rows.map(([it, value]) => Math.max(0, value - (it.before ?? Number.NaN)));
    const grown = growths.reduce((sum, growth) => sum + growth, 0);
    for (const [i, [dimension, value]] of rows.entries()) {
      const { algorithm, scale } = dimension;
      dimension.before = value;
      const share = algorithm === 'percentage-of-incremental-row';
      if (share || algorithm === 'percentage-of-absolute-row') {
        const part = share ? (growths[i] ?? Number.NaN) / grown : value / whole;
        if (Number.isFinite(part)) push(dimension, { value: part, kind: 'gauge', unit: 'ratio' });
      } else if (algorithm === 'incremental') {
        push(dimension, { value: value * Math.abs(scale), kind: 'counter', unit: 'count' });
      } else push(dimension, { value: value * scale, kind: 'gauge', unit: 'count' });
    }
  }

  return {
    get disabled() {
      return disabled;
    },
    read(line, said) {
      const all = words(line.trim());
      switch (all[0]) {
        case 'CHART':
          return declareChart(all, line);
        case 'DIMENSION':
          return declareDimension(all, line);
        case 'BEGIN': {
          const chart = charts.get(all[1] ?? '');
          begun = undefined;
          if (chart === undefined)
            throw refused(FORM, line, 'begins a chart that was not declared');
          begun = { chart, values: new Map() };
          return;
        }
        case 'SET':
          return set(all, line);
        case 'END':
          return told(said);
        case 'FLUSH':
          begun = undefined;
          return;
        case 'DISABLE':
          disabled = true;
          return;
        // What only Netdata's pages and alarms want to know.
        case undefined:
        case 'CLABEL':
        case 'CLABEL_COMMIT':
        case 'FUNCTION':
        case 'HOST':
        case 'HOST_DEFINE':
        case 'HOST_DEFINE_END':
        case 'HOST_LABEL':
        case 'OVERWRITE':
        case 'LABEL':
        case 'VARIABLE':
          return;
        default:
          if (!line.startsWith('#')) throw refused(FORM, line, 'begins with no word of plugins.d');
      }
    },
  };
}
