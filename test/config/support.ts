import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  count,
  defineCollector,
  defineHandler,
  duration,
  gauge,
  port,
  selection,
  z,
} from 'cullinan/plugin';
import { type Config, ConfigError, loadConfig, type Registry } from '../../src/config/index.ts';

const things = gauge('things', { unit: 'count', help: 'Things.' });

export const collector = <O extends z.ZodType>(name: string, options: O, enabled = true) =>
  defineCollector({
    name,
    summary: `Observes ${name}.`,
    source: 'nowhere',
    options,
    metrics: { things },
    enabled,
    *collect() {
      yield things.observe(count(1));
    },
  });

const handler = <O extends z.ZodType>(name: string, options: O, idempotent = true) =>
  defineHandler({
    name,
    summary: `Sends to ${name}.`,
    options,
    dialect: 'diamond',
    counters: 'rates',
    idempotent,
    acknowledged: false,
    open: async () => ({ write: async () => {}, close: () => {} }),
  });

const list = [
  collector('cpu', z.strictObject({ percore: z.boolean().default(true).describe('Each core.') })),
  collector('disk', z.strictObject({ devices: selection({ exclude: ['loop*', 'ram*'] }) })),
  collector('network', z.strictObject({ interfaces: selection({ exclude: ['lo', 'veth*'] }) })),
  collector('sensors', z.strictObject({}), false),
];

const carbon = z.strictObject({
  host: z.string().min(1).describe('Name or address of Carbon.'),
  port: port.default(2003).describe('Its plaintext port.'),
  keepalive: duration({ least: '1s' }).prefault('60s').describe('Idle time.'),
  nodelay: z.boolean().optional().describe('Send at once.'),
});
const broker = z.strictObject({
  url: z.url().describe('Where the broker is.'),
  password: z.string().min(8).optional().describe('A password.'),
  keys: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('Routing keys.'),
});
const senders = [
  handler('graphite', carbon),
  handler('amqp', broker, false),
  handler('live', z.strictObject({})),
];

const named = z.strictObject({
  escape: z.string().length(1).default('_').describe('Stands in for dots.'),
  cpu: z.strictObject({ percent: z.boolean().default(false).describe('Percent.') }).prefault({}),
});

/** A few plugins with every shape of option. */
export const registry: Registry = {
  collectors: new Map(list.map((each) => [each.name, each])),
  handlers: new Map(senders.map((each) => [each.name, each])),
  dialects: new Map([
    ['diamond', {}],
    ['otel', {}],
    ['collectd', { options: named }],
  ]),
};

export type Environment = Readonly<Record<string, string>>;

/** A folder of configuration files that ends with its scope. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'cullinan-config-'));
  readonly main = join(this.path, 'cullinan.yaml');

  /** Takes the main file's text, or the text (or bytes) of each file. */
  constructor(files: string | Readonly<Record<string, string | Uint8Array>> = {}) {
    const named = typeof files === 'string' ? { 'cullinan.yaml': files } : files;
    for (const [name, text] of Object.entries(named)) this.write(name, text);
  }

  write(name: string, text: string | Uint8Array): void {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  load(environment: Environment = {}, path: string | undefined = this.main): Config {
    return loadConfig({ path, registry, environment, defaultHandlers: { live: {} } });
  }

  /** The text of the error, as if the folder were /etc/cullinan; fails where there is none. */
  complaint(environment: Environment = {}): string {
    return this.error(environment).message.replaceAll(this.path, '/etc/cullinan');
  }

  error(environment: Environment = {}): ConfigError {
    try {
      this.load(environment);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
    throw new Error('the configuration was accepted');
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Loads one text. */
export function load(text: string, environment: Environment = {}): Config {
  using folder = new Folder(text);
  return folder.load(environment);
}

/** What is said about one text. */
export function complaint(
  files: string | Readonly<Record<string, string | Uint8Array>>,
  environment: Environment = {},
): string {
  using folder = new Folder(files);
  return folder.complaint(environment);
}
