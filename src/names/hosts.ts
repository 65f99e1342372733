import type { Found } from './formats.ts';
import { HOST } from './name.ts';

/** Hosts that are remembered by name, to be told. */
const REMEMBERED = 1000;

/** Puts `<host>` in the place of hosts, and leaves out names of others. */
export interface Hosts {
  /** The name as it is compared; undefined where it is another host's. */
  place(found: Found): string | undefined;
  /** Who was seen, up to a thousand. */
  readonly seen: ReadonlySet<string>;
  /** How often a name was another host's. */
  readonly others: number;
}

/** How a host may be spelled in paths: whole, short, with `_` for dots, and reversed. */
function spellings(host: string): string[] {
  const short = host.split('.')[0] ?? host;
  const reversed = host.split('.').reverse().join('.');
  return [...new Set([host, host.replaceAll('.', '_'), reversed, short])].filter((it) => it !== '');
}

/** The name with `<host>` for the levels that spell the host; undefined where none do. */
export function withHost(name: string, spelled: readonly string[]): string | undefined {
  const brace = name.indexOf('{');
  const end = brace < 0 ? name.length : brace;
  for (const host of spelled) {
    for (let at = name.indexOf(host); at >= 0 && at < end; at = name.indexOf(host, at + 1)) {
      const after = at + host.length;
      const begins = at === 0 || name[at - 1] === '.';
      if (begins && (after === end || name[after] === '.')) {
        return name.slice(0, at) + HOST + name.slice(after);
      }
    }
  }
  return undefined;
}

/**
 * @param host whose names are wanted; of all hosts, as if they were one, where absent.
 * @param places what stands before the host in names, each with how many levels the host has; where
 *   absent, hosts are only known where the format names them apart.
 */
export function createHosts(
  host: string | undefined,
  places: readonly { readonly before: string; readonly levels: number }[],
): Hosts {
  const spelled = host === undefined ? [] : spellings(host);
  const seen = new Set<string>();
  let others = 0;
  const meet = (name: string): void => {
    if (seen.size < REMEMBERED) seen.add(name);
  };
  return {
    seen,
    get others() {
      return others;
    },
    place({ host: own, name }) {
      if (own !== undefined) {
        if (host !== undefined && !spelled.includes(own)) {
          others += 1;
          return undefined;
        }
        meet(own);
        return `${HOST}/${name}`;
      }
      if (host !== undefined) {
        const placed = withHost(name, spelled);
        if (placed === undefined) others += 1;
        else meet(host);
        return placed;
      }
      for (const { before, levels } of places) {
        if (!name.startsWith(before)) continue;
        let end = before.length - 1;
        for (let i = 0; i < levels && end !== name.length; i += 1) {
          end = name.indexOf('.', end + 1);
          if (end < 0) break;
        }
        if (end <= before.length) continue;
        meet(name.slice(before.length, end));
        return before + HOST + name.slice(end);
      }
      return name;
    },
  };
}
