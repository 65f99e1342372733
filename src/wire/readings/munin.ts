/**
 * What munin's plugins say: `config` declares fields, a run without a word fetches their values.
 *
 * A field becomes `plugin.field`; where a plugin has several graphs, `graph.field`, and `graph.sub.field` for
 * `multigraph graph.sub`. DERIVE and COUNTER are counters, ABSOLUTE an amount, all else a level. What only draws is
 * passed over; a cdef, which computes, is named once, because what is fetched is sent as it is.
 *
 * @see https://guide.munin-monitoring.org/en/latest/reference/plugin.html
 */
import type { Kind } from '../../metric/index.ts';
import { isName, isNoNumber, type LineReader, NO_LABELS, numberIn, refused } from './reading.ts';

const FORM = "munin's plugin";

const KINDS: Readonly<Record<string, Kind>> = {
  GAUGE: 'gauge',
  DERIVE: 'counter',
  COUNTER: 'counter',
  ABSOLUTE: 'delta',
};

const LINE = /^([A-Za-z_][\w-]*)\.([a-z_]+)(?:\s+(.*))?$/;
const MULTIGRAPH = /^multigraph\s+([\w-]+(?:\.[\w-]+)*)\s*$/;
const GRAPH = /^(?:graph|host_name|update|create_args|timeout)(?:_\w+)?(?:\s|$)/;
/** `time:value`, as plugins say that have several values since the last fetch. */
const TIMED = /^(\d+|N):(\S+)$/;

/** So many fields of one plugin. */
const MOST = 10_000;

/** A munin plugin's two answers, each to its reader. */
export interface MuninReader {
  readonly config: LineReader;
  readonly fetch: LineReader;
}

/** @param plugin what it is called, as munin calls it: the name of its file. */
export function muninReader(plugin: string): MuninReader {
  const kinds = new Map<string, Kind>();
  const labels = new Map<string, string>();
  let graph = plugin;
  /** Whether a line is about graphs; then there is nothing else to read in it. */
  const isGraph = (line: string): boolean => {
    const multi = MULTIGRAPH.exec(line);
    if (multi === null) return /^\s*(?:#|$)/.test(line);
    graph = isName(multi[1] ?? '') ? (multi[1] ?? plugin) : plugin;
    return true;
  };
  const keep = <T>(map: Map<string, T>, key: string, value: T) => {
    if (map.size < MOST || map.has(key)) map.set(key, value);
  };
  return {
    config: {
      read(line, { notes }) {
        if (isGraph(line) || GRAPH.test(line)) return;
        const match = LINE.exec(line);
        if (match === null) throw refused(FORM, line, 'is no line of a config');
        const [, field = '', attribute = '', text = ''] = match;
        const key = `${graph}.${field}`;
        if (attribute === 'type') keep(kinds, key, KINDS[text.trim().toUpperCase()] ?? 'gauge');
        if (attribute === 'label') keep(labels, key, text.trim().slice(0, 200));
        if (attribute === 'cdef') {
          notes.push(
            `munin draws ${key} as ${text.slice(0, 80)}; what it fetches is sent as it is`,
          );
        }
      },
      end() {
        graph = plugin;
      },
    },
    fetch: {
      read(line, { readings }) {
        if (isGraph(line)) return;
        const [, field = '', attribute = '', text = ''] = LINE.exec(line) ?? [];
        // A plugin that knows "dirtyconfig" says both at once.
        if (attribute !== 'value') {
          if (attribute !== '' || GRAPH.test(line)) return;
          throw refused(FORM, line, 'is not field.value number');
        }
        const [, at, late] = TIMED.exec(text.trim()) ?? [];
        const number = late ?? text.trim();
        const value = numberIn(number);
        if (Number.isNaN(value)) {
          if (isNoNumber(number)) return;
          throw refused(FORM, line, 'is not field.value number');
        }
        const name = `${graph}.${field}`;
        const kind = kinds.get(name) ?? 'gauge';
        const time = at === undefined || at === 'N' ? undefined : Number(at);
        readings.push({
          name,
          labels: NO_LABELS,
          value,
          kind,
          unit: 'count',
          time,
          help: labels.get(name),
        });
      },
      end() {
        graph = plugin;
      },
    },
  };
}
