import { existsSync } from 'node:fs';
import { registry } from '../agent/index.ts';
import { type CollectorConfig, type Early, PLUGIN_FOLDER, readEarly } from '../config/index.ts';
import type { Collector } from '../plugin/index.ts';
import { find } from '../script/index.ts';
import type { Io } from './io.ts';

/** What became of the plugins that the agent was not built with. */
export interface Brought {
  /** Each that could not be loaded, in a sentence. */
  readonly unloaded: readonly string[];
  /** Folders that the configuration names, and that are not there. */
  readonly missing: readonly string[];
  /** Where each is from: `collector entropy` to its path. */
  readonly paths: ReadonlyMap<string, string>;
  /** The configuration's files as they were read for this: load those, or the plugins may be others than it speaks of. */
  readonly files: Early['files'];
  /**
   * Ends what is needed only while a configuration is read, and forgets the plugins that it does not use:
   * they are found anew for the next. A command that ends soon need not ask for it.
   */
  close(): Promise<void>;
}

const NONE = { unloaded: [], paths: new Map<string, string>(), close: async () => {} };

/** Has a collector run where the parsers are that it was given; nothing to be done where there are no plugins. */
export async function atHomeWithParsers(): Promise<
  ((collector: Collector, config: CollectorConfig) => Collector) | undefined
> {
  if (!any) return undefined;
  const { withItsParsers } = await import('../foreign/index.ts');
  return (collector, config) => withItsParsers({ ...config, collector });
}

/** What the agent was built with. */
const own = {
  collector: new Set(registry.collectors.keys()),
  handler: new Set(registry.handlers.keys()),
  parser: new Set(registry.parsers.keys()),
};
let any = false;

/** How plugins are brought. */
export interface Bringing {
  /** Run here what else has a thread of its own: for what reads recordings, and ends soon. */
  readonly inProcess?: boolean;
  /** Tells a person; standard error, unless said. */
  readonly say?: (line: string) => void;
}

/**
 * Finds the plugins that a configuration speaks of, and takes them into the registry in place of those
 * that were there. To be called before the configuration is loaded, as `loadWithPlugins` does.
 */
export async function bringPlugins(
  io: Io,
  path: string | undefined,
  { inProcess = false, say = (line) => io.err(`Warning: ${line}\n`) }: Bringing = {},
): Promise<Brought> {
  const { plugins, host, scripts, files } = readEarly({ path, environment: io.environment });
  const named = [...plugins.folders.filter((it) => it !== PLUGIN_FOLDER), ...plugins.packages];
  const missing = named.filter((it) => !existsSync(it));
  if (!any && scripts.length === 0 && find(plugins).length === 0) {
    return { ...NONE, files, missing };
  }
  any = true;
  // Of four threads for files and names, as usual, one plugin whose disk hangs may have all.
  process.env['UV_THREADPOOL_SIZE'] ??= '8';
  const { summon } = await import('../foreign/index.ts');
  const { proc, sys, root } = host;
  const wanted = { ...plugins, scripts, host: { proc, sys, root } };
  const here = inProcess ? ({ inProcess: true } as const) : {};
  const { others, unloaded, paths, close } = await summon({ ...wanted, ...here }, own, say);
  registry.bring(others);
  const sentences = unloaded.map(({ path, problem }) => {
    const where = problem.includes(path) ? problem : `${path}: ${problem}`;
    return `${where}. This plugin is left out; everything else goes on.`;
  });
  for (const sentence of sentences) say(sentence);
  const forget = async () => {
    registry.bring({ ...others, collectors: [], handlers: [], parsers: new Map() });
    await close();
  };
  return { unloaded: sentences, missing, paths, files, close: forget };
}
