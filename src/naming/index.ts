/** How series are named for an audience: one dialect per file, and the namer that keeps what it rendered. */
import { ceilometer } from './ceilometer.ts';
import { collectd } from './collectd.ts';
import { diamond } from './diamond.ts';
import { ganglia } from './ganglia.ts';
import { otel } from './otel.ts';
import { prometheus } from './prometheus.ts';
import { salt } from './salt.ts';

export type { Dialect, Naming, Spelling } from './dialect.ts';
export {
  HOSTNAME_METHODS,
  type HostFacts,
  type Hostname,
  type HostnameMethod,
  hostnameFor,
} from './hostname.ts';
export { createNamer } from './namer.ts';
export { type Relabel, type Route, route } from './route.ts';
export { anyOf, type Compile, type Selector, selector } from './select.ts';

/** Every dialect by its name. */
export const dialects = {
  ...{ otel, diamond, prometheus, ganglia, collectd },
  ...{ ceilometer, salt },
} as const;
