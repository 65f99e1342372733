import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Series } from '../../src/metric/index.ts';
import { dialects } from '../../src/naming/index.ts';
import { formatValue } from '../../src/wire/graphite.ts';
import { Watch } from '../support/hypervisor.ts';
import { LibvirtPeer, parameters } from '../support/libvirt-peer.ts';
import { parseDomstats } from '../support/libvirt-session.ts';
import { NAMING } from './support.ts';

const PRINTED = readFileSync(new URL('../wire/libvirt/domstats-raw.txt', import.meta.url), 'utf8');
const UUID = '6a8e1c52-6d0b-4d7e-9c7e-2f8f8d3f6a11';

/** Each of its names: what Ceilometer calls it, its value, and what it came from. */
test('a guest, as libvirt 9.0.0 told of it, is this to Ceilometer', async () => {
  const guests = [...parseDomstats(PRINTED)].map(([, printed]) => ({
    ...{ name: 'instance-0000002a', uuid: UUID, id: 2, values: parameters(printed) },
  }));
  await using peer = await LibvirtPeer.listen(guests);
  await using watch = new Watch({ socket: peer.path, labels: ['uuid', 'domain'] });
  await watch.collect();
  const { observations } = await watch.collect(10);
  const lines = observations.flatMap(({ metric, labels, value }, id) => {
    if (labels['guest'] === undefined) return [];
    const series: Series = { id, metric, collector: 'libvirt', host: 'compute1', labels };
    return dialects.ceilometer.spell(series, NAMING).map(({ meter, scale, precision, summed }) => {
      if (meter === undefined) throw new Error(`${metric.name} has no meter`);
      const { name, type, unit, resource, of } = meter;
      const resourceIs = resource.replace(UUID, 'UUID');
      const volume = formatValue(value * scale, precision);
      const sum = summed === true ? 'Σ ' : '';
      return [
        `${sum}${name}`.padEnd(34),
        `${type} ${unit}`.trimEnd().padEnd(18),
        volume.padEnd(20),
        `${of} ${resourceIs}`.padEnd(60),
        metric.name,
      ].join('  ');
    });
  });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../golden/ceilometer-names.txt');
});
