import { wholePath, z } from '../plugin/index.ts';

/** The option that bounds what others may name as they like. */
export const seriesOption = () =>
  z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('Series that are told apart; what is said of more is left out and counted.');

/** The option of whoever reads PUTVAL. */
export const typesOption = () =>
  z
    .array(wholePath())
    .default(['/usr/share/collectd/types.db'])
    .describe(
      'collectd’s types, beside those that are known: files as types.db(5), where they are.',
    );

/** The option of whoever reads statsd's lines. */
export const percentilesOption = () =>
  z
    .array(z.number().min(0).max(100))
    .default([50, 90, 99])
    .describe('Percentiles of statsd’s timers.');
