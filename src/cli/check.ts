import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { createOutlet, destinations } from '../agent/index.ts';
import type { HandlerConfig } from '../config/index.ts';
import { redact } from '../log/index.ts';
import type { Sample } from '../metric/index.ts';
import { EXIT, type Io } from './io.ts';
import { readTwice, seriesKey } from './readings.ts';
import { loadWithPlugins } from './setup.ts';

/**
 * `cullinan check`: validates the configuration and shows, per handler, the exact names that would
 * be sent from this host. Nothing is sent.
 */
export async function check(
  io: Io,
  { config: path, json }: { config?: string; json?: boolean },
): Promise<number> {
  const { config, plugins } = await loadWithPlugins(io, path);
  const { unloaded, missing } = plugins;
  const { samples, identity } = await readTwice(io, config);
  const handlers = config.handlers.flatMap(destinations).map((handler) => {
    const outlet = createOutlet(handler, config, identity);
    const paths = samples.flatMap(({ series }) => outlet.names(series).map(({ path }) => path));
    return {
      handler: handler.instance,
      type: handler.handler.name,
      dialect: handler.dialect,
      // The series of a sum share one name.
      names: [...new Set(paths)],
    };
  });
  const show = (text: string): void => io.out(redact(text, config.secrets));
  const collectors = config.collectors.map(({ instance, interval }) => ({
    collector: instance,
    interval,
  }));
  if (json) {
    const all = { files: config.files, host: identity.path, collectors, handlers, unloaded };
    show(`${JSON.stringify(all)}\n`);
    return unloaded.length === 0 ? EXIT.ok : EXIT.configuration;
  }
  const unread = await Promise.all(config.handlers.map(unreadable));
  const absent = missing.map((it) => `plugins: there is no ${it}, so nothing is taken from there.`);
  const said = [...absent, ...warnings(samples, collectors.length, handlers), ...unread.flat()];
  for (const warning of said) io.err(`Warning: ${warning}\n`);
  const files =
    config.files.length === 0 ? 'no file, so the defaults hold' : config.files.join(', ');
  const left = unloaded.length === 0 ? '' : ', but for the plugins that are left out';
  io.err(`The configuration is fine${left}: ${files}.\n`);
  io.err(
    `Collectors: ${collectors.map(({ collector, interval }) => `${collector} every ${interval} s`).join(', ')}.\n`,
  );
  for (const { handler, type, dialect, names } of handlers) {
    io.err(
      `\nHandler ${handler} (${type}, dialect ${dialect}) would be sent ${names.length} names:\n`,
    );
    for (const name of names) show(`${name}\n`);
  }
  return unloaded.length === 0 ? EXIT.ok : EXIT.configuration;
}

/** Files for TLS that a handler could not read now, by whoever asks. */
async function unreadable({ instance, options }: HandlerConfig): Promise<string[]> {
  const { tls } = options as { readonly tls?: Readonly<Record<string, unknown>> | undefined };
  const found = ['ca', 'cert', 'key'].map(async (name) => {
    const path = tls?.[name];
    if (typeof path !== 'string') return [];
    try {
      await access(path, constants.R_OK);
      return [];
    } catch (error) {
      return [`handlers.${instance}.tls.${name} cannot be read: ${(error as Error).message}`];
    }
  });
  return (await Promise.all(found)).flat();
}

/** What is allowed and hardly meant. */
function warnings(
  samples: readonly Sample[],
  collectors: number,
  handlers: readonly { readonly handler: string; readonly names: readonly string[] }[],
): string[] {
  const said: string[] = [];
  if (collectors === 0) said.push('no collector is enabled, so nothing is observed.');
  for (const { handler, names } of handlers) {
    if (names.length === 0 && collectors > 0) {
      said.push(`nothing would be sent to ${handler}: look at its only, except and relabel.`);
    }
  }
  const seen = new Set<string>();
  for (const sample of samples) {
    const key = seriesKey(sample);
    if (!seen.has(key)) {
      seen.add(key);
      continue;
    }
    said.push(
      `${sample.series.metric.name} is observed by two collectors: each slot would get two values. Let them select different devices, or disable one.`,
    );
    break;
  }
  return said;
}
