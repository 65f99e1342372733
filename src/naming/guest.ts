import type { Series } from '../metric/index.ts';
import { saysWho } from '../wire/openstack.ts';
import type { Naming } from './dialect.ts';

/** Whose series it is; `undefined` where it is no guest's. */
export const guestOf = ({ labels }: Series): string | undefined => labels['guest'];

/** A naming without the host: a guest that is moved to another one goes on under the same names. */
export const anywhere = (naming: Naming): Naming => ({ ...naming, host: '', ownHost: undefined });

/**
 * A guest's series as the levels of a path see it where the path says otherwise whose it is: without the
 * labels that say no more than that.
 */
export function withoutGuest(series: Series): Series {
  const labels = series.metric.labels.filter((label) => !saysWho(label));
  return { ...series, metric: { ...series.metric, labels } };
}
