import type { Plugin } from './plugin.ts';

/** What takes an input's place. */
export interface Counterpart {
  /** Collectors that observe the same; the first has the input's options. */
  readonly collectors: readonly string[];
  /** Telegraf's measurements, by which its outputs choose; undefined is the input's name. */
  readonly measurements?: readonly string[];
  /** Whether programs say what they are called, so that nobody knows them before. */
  readonly foreign?: boolean;
  /** Its tags that are devices, by the collector's options that choose them. */
  readonly devices?: Readonly<Record<string, string>>;
  /** Takes its own options, for the one collector that there is. */
  readonly take?: (plugin: Plugin, at: readonly string[]) => void;
  /**
   * Makes what the input asks for, of which there may be several.
   *
   * @returns the names of the collectors; of none, nothing could be carried over.
   */
  readonly make?: (plugin: Plugin) => readonly string[];
  /** What there is to know. */
  readonly note?: string;
}

/** The place of one more collector of a type; its name is that of the type, for the second one with a number. */
export function place(
  { draft, header }: Plugin,
  collector: string,
): readonly ['collectors', string] {
  let name = collector;
  for (let i = 2; draft.has(['collectors', name]); i += 1) name = `${collector}-${i}`;
  if (name !== collector) draft.set(['collectors', name, 'type'], collector, header);
  return ['collectors', name];
}

/** What is asked for by an address, without what lets somebody in: a name among those at a place. */
export function nameFor({ draft }: Plugin, at: readonly string[], address: string): string {
  const plain =
    address
      .replace(/^[a-z+]+:\/\//i, '')
      .replace(/^[^/@]*@/, '')
      .replace(/[^\w.-]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 60) || 'one';
  let name = plain;
  for (let i = 2; draft.has([...at, name]); i += 1) name = `${plain}-${i}`;
  return name;
}
