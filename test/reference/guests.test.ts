import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import libvirt from '../../collectors/libvirt.ts';
import { registry } from '../../src/agent/index.ts';
import { type Config, loadConfig } from '../../src/config/index.ts';
import { createNamer, type Dialect, dialects, route } from '../../src/naming/index.ts';
import { guestsTable } from '../../src/reference/index.ts';
import { guestSamples } from '../support/guest-series.ts';

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The configurations that a page shows, of guests. */
const shownIn = (path: string): readonly string[] =>
  [...textOf(path).matchAll(/^```yaml\n([\s\S]*?)^```/gm)]
    .map(([, yaml = '']) => yaml)
    .filter((yaml) => yaml.includes('libvirt'));

/** A configuration as the agent takes it. */
function loaded(yaml: string): Config {
  const path = join(mkdtempSync(join(tmpdir(), 'cullinan-guests-')), 'cullinan.yaml');
  writeFileSync(path, yaml);
  return loadConfig({ path, registry, environment: {}, defaultHandlers: {} });
}

/** What a configuration sends of a guest: paths and values. */
async function sentBy(yaml: string): Promise<Record<string, number>> {
  const [handler] = loaded(yaml).handlers;
  if (handler === undefined) throw new Error('no handler');
  const given: Dialect = dialects[handler.dialect as keyof typeof dialects];
  const dialect = given.configured?.(handler.dialectOptions) ?? given;
  const namer = createNamer(route(dialect, handler), {
    ...{ host: 'kvm1', ownHost: 'kvm1.example.net', labels: {} },
    ...{ prefix: handler.prefix, suffix: handler.suffix, tags: handler.tags },
    counters: handler.counters,
  });
  const { stats, identity } = parse(yaml).collectors.libvirt;
  const samples = await guestSamples({ ...(stats && { stats }), ...(identity && { identity }) });
  const points: Parameters<typeof namer.collection>[1] = [];
  namer.collection(samples, points);
  return Object.fromEntries(points.map(({ name, value }) => [name.path, value]));
}

describe('the table of names', () => {
  const shown = guestsTable(Object.values(libvirt.metrics), new Map(Object.entries(dialects)));
  const names = new Set(
    [...shown.matchAll(/`([^`]+)`/g)].map(([, name = '']) =>
      name
        .replaceAll('<guest>', 'web1')
        .replaceAll('<vcpu>', '0')
        .replace(/^(disk_|total_)(.*)<device>/, '$1$2vda')
        .replace(/^(if_.*|net\.)<device>/, '$1vnet2')
        .replaceAll('<device>', 'vda'),
    ),
  );

  test.each([
    ['diamond', /^instances\.web1\.libvirt-kvm\.(\S+)/],
    ['collectd', /^web1\.virt\.(\S+)/],
    ['collectd-extra', /^web1\.virt\.(\S+)/],
    ['prometheus', /^libvirt_domain_(\w+)/],
    ['salt', /^virt\.(vm_\S+)/],
  ])('has every name that is sent: %s', (golden, own) => {
    const lines = textOf(`test/golden/guests/${golden}.txt`).split('\n');
    const sent = lines.flatMap((line) => own.exec(line)?.[1] ?? []);
    expect(sent.length).toBeGreaterThan(12);
    // Of the second disk and the second vCPU as of the first.
    const missing = sent.filter((name) => {
      const first = name.replace('vdb', 'vda').replace(/vcpu-1$/, 'vcpu-0');
      return !names.has(first);
    });
    expect(missing).toEqual([]);
  });
});

describe('a configuration that is shown', () => {
  const pages = ['guests', 'dialects/salt', 'dialects/diamond', 'dialects/collectd'];
  test.each(
    [...pages, 'dialects/prometheus', 'openstack'].flatMap((page) =>
      shownIn(`docs/${page}.md`).map((yaml, i) => ({ page, i, yaml })),
    ),
  )('works: number $i of $page', ({ yaml }) => {
    expect(loaded(yaml).collectors.map(({ instance }) => instance)).toContain('libvirt');
  });

  test('sends what Salt’s three functions returned, and nothing else', async () => {
    const [, fleet = ''] = shownIn('docs/guests.md');
    const sent = await sentBy(fleet);
    expect(Object.keys(sent).sort()).toEqual(
      [
        'virt.vm_cputime.web1.cputime',
        ...['bytes', 'packets', 'errs', 'drop'].flatMap((what) => [
          `virt.vm_netstats.web1.rx_${what}`,
          `virt.vm_netstats.web1.tx_${what}`,
        ]),
        ...['rd_req', 'rd_bytes', 'wr_req', 'wr_bytes', 'errs'].map(
          (what) => `virt.vm_diskstats.web1.${what}`,
        ),
      ].sort(),
    );
    expect(sent['virt.vm_cputime.web1.cputime']).toBe(11_235_344_000);
  });

  test('sends Nectar’s cpu_util, percent of what the vCPUs can do, and nothing else', async () => {
    const [, , nectar = ''] = shownIn('docs/guests.md');
    expect(await sentBy(nectar)).toEqual({ '6a8e1c52-6d0b-4d7e-9c7e-2f8f8d3f6a11.cpu_util': 25 });
  });
});
