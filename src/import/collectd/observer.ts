import type { Asked } from './asked.ts';
import type { Block } from './block.ts';

/** A plugin of collectd's that reads, and what observes the same here. */
export interface Observer {
  readonly collectors: readonly string[];
  /** What it publishes, as patterns of a handler's `only`. */
  readonly only: readonly string[];
  /** Its options that are the dialect's: the plugin's key there, and the names of the options. */
  readonly dialect?: readonly [plugin: string, ...options: readonly string[]];
  readonly options?: (block: Block, asked: Asked) => void;
}
