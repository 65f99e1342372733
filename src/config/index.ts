/** The configuration: YAML files in, a checked {@link Config} or a located {@link ConfigError} out. */

export type { CollectorConfig, Config, HandlerConfig, Registry } from './config.ts';
export { configJsonSchema, describeConfig, describeOptions, type Option } from './describe.ts';
export { type Early, readEarly, readSocket } from './early.ts';
export { loadConfig } from './load.ts';
export { mask } from './mask.ts';
export { privateValues, writtenSecrets } from './private.ts';
export { ConfigError } from './problem.ts';
export { PLUGIN_FOLDER } from './schema.ts';
export { suggest } from './suggest.ts';
