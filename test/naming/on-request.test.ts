import { readdirSync } from 'node:fs';
import type { Collector, z } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import conntrack from '../../collectors/conntrack.ts';
import interrupts from '../../collectors/interrupts.ts';
import mdstat from '../../collectors/mdstat.ts';
import nfs from '../../collectors/nfs.ts';
import thermal from '../../collectors/thermal.ts';
import users from '../../collectors/users.ts';
import { recordedHost } from '../../src/host/index.ts';
import type { Series } from '../../src/metric/index.ts';
import { dialects } from '../../src/naming/index.ts';
import { collecting } from '../support/collector.ts';
import { describeSpelling } from './observed.ts';
import { NAMING } from './support.ts';

/** What each collector observes of a recorded host that has it. */
async function seriesOf<O extends z.ZodType>(
  collector: Collector<O>,
  recording: string,
  options: unknown = {},
): Promise<readonly Series[]> {
  const folder = new URL(`../fixtures/${recording}/`, import.meta.url);
  const [moment = ''] = readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .sort();
  const host = recordedHost(new URL(moment, folder).pathname);
  const { observations } = await collecting(collector)(0, { host, options });
  return observations.map(({ metric, labels }, id) => {
    return { id, metric, collector: collector.name, host: 'web01', labels };
  });
}

test.each([
  ['conntrack', () => seriesOf(conntrack, 'numa-64')],
  ['interrupts', () => seriesOf(interrupts, 'linux-2.6.32', { perCpu: true })],
  ['mdstat', () => seriesOf(mdstat, 'linux-2.6.32')],
  ['nfs', () => seriesOf(nfs, 'linux-2.6.32')],
  ['thermal', () => seriesOf(thermal, 'numa-64')],
  ['users', () => seriesOf(users, 'linux-2.6.32')],
])('the names of %s in each dialect', async (name, observed) => {
  const all = await observed();
  const { diamond, collectd, prometheus, ganglia } = dialects;
  const text = [diamond, collectd, prometheus, ganglia].flatMap(({ name, spell }) => [
    `# ${name}`,
    ...all.flatMap((one) => spell(one, NAMING)).map(describeSpelling),
  ]);
  await expect(`${text.join('\n')}\n`).toMatchFileSnapshot(`../golden/names/${name}.txt`);
});
