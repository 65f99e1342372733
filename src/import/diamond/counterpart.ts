import { expression } from '../patterns.ts';
import type { More } from './asked.ts';
import type { Settings } from './settings.ts';

/** One of Diamond's collectors, and what observes the same here. */
export interface Counterpart {
  readonly collector: string;
  /** First level of its names below the host; '' where they have none. */
  readonly path: string;
  /** What Diamond publishes of what the collector observes, as patterns of a handler's `only`. */
  readonly only: readonly string[] | ((settings: Settings) => readonly string[]);
  /** What has names and units of Diamond's that the dialect does not know. */
  readonly renames?: readonly Rename[];
  /** Carries its options over, to the collector at this place. */
  readonly options?: (settings: Settings, at: readonly string[], more: More) => void;
  /** Makes collectors of it in place of that one; their names, of which there may be none. */
  readonly make?: (settings: Settings, folder: string) => readonly string[];
  /** What there is to know. */
  readonly note?: string;
}

/** A rule for a metric whose name, or unit, is another. */
export interface Rename {
  readonly match: string;
  /** An expression for what stands below the host, from its beginning. */
  readonly from: string;
  readonly to: string;
  readonly scale?: number;
}

/** Says that names are not Diamond's. */
export const OWN_NAMES =
  'Its names are cullinan’s, and not Diamond’s: cullinan describe shows them.';

/** Programs that are not called here, and how they were. */
export function calledNone(settings: Settings, why: string): void {
  settings.leave(why, 'bin', 'use_sudo', 'sudo_cmd', 'ntpq_bin', 'ntpdc_bin');
}

/** A list of expressions that Python matches at the beginning of a name. */
export function matching(settings: Settings, key: string): string[] | undefined {
  const list = settings.list(key)?.map((each) => expression(`^(?:${each})`));
  if (list === undefined) return undefined;
  const made = list.flatMap((each) => (each === undefined ? [] : [`re:${each}`]));
  if (made.length === list.length) return made;
  settings.leave('this is no regular expression that can be carried over', key);
  return undefined;
}
