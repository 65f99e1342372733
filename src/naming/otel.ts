import type { Dialect } from './dialect.ts';
import { generic } from './path.ts';

/** The inner names, as the OpenTelemetry Collector's host metrics receiver has them, in base units. */
export const otel: Dialect = {
  name: 'otel',
  summary: 'The names of the OpenTelemetry host metrics receiver, in base units.',
  spell: (series, naming) => generic(series, naming, ''),
};
