import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../support/carbon.ts';
import { Collectd, type Sent, Sink } from '../support/collectd.ts';
import { Libvirtd } from '../support/libvirt.ts';
import { describeWithPeer } from '../support/peers.ts';
import { PROGRAM } from '../support/program.ts';

const HOST = 'kvm1.example.net';
const ONE = { name: 'one', uuid: '11111111-1111-4111-8111-111111111111' };
const TWO = {
  name: 'web.shop 2',
  uuid: '22222222-2222-4222-8222-222222222222',
  // In the namespace of older versions of Nova, where collectd looks for it.
  metadata:
    '<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.0"><nova:name>shop</nova:name>' +
    '</nova:instance>',
};
/**
 * What is read elsewhere: of a raw image collectd has the size of its file as physical, and what the file
 * takes as allocation until something is written. docs/dialects/collectd.md says so.
 */
const READ_ELSEWHERE = /disk_(allocation|physical)/;
/** Readings that both have made side by side. */
const TOGETHER = 6;

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** The built program with a configuration of its own. */
class Program implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-guests-'));
  readonly #child: ChildProcess;

  constructor(collector: string, handlers: string) {
    const file = join(this.#folder, 'cullinan.yaml');
    writeFileSync(
      file,
      `interval: 1s\nhostname: { name: ${HOST} }\ncollectors: { libvirt: { ${collector} } }\nhandlers:\n${handlers}`,
    );
    const words = [PROGRAM, 'run', '--config', file];
    this.#child = spawn(process.execPath, words, { stdio: 'ignore' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One set of options, in collectd's words and in ours. */
interface Variant {
  readonly name: string;
  /** Of the plugin virt, and of write_graphite. */
  readonly virt: string;
  readonly write: string;
  /** Of the collector libvirt, and of the dialect. */
  readonly collector: string;
  readonly dialect: string;
}

const EXTRA = 'cpu_util disk domain_state memory vcpu disk_capacity disk_allocation disk_physical';
const VARIANTS: readonly Variant[] = [
  {
    name: 'totals, with all that both have',
    virt: `ExtraStats "${EXTRA}"`,
    write: 'StoreRates false',
    collector: '',
    dialect: `storeRates: false, virt: { extraStats: [${EXTRA.split(' ').join(', ')}] }`,
  },
  { name: 'rates', virt: '', write: '', collector: '', dialect: '' },
  {
    name: 'the UUID for a host, addresses, and what is behind a disk',
    virt: 'HostnameFormat uuid\nInterfaceFormat address\nBlockDeviceFormat source',
    write: 'StoreRates false',
    collector: 'labels: [uuid], interfaceName: address, diskName: source',
    dialect: 'storeRates: false, virt: { hostnameFormat: uuid }',
  },
  {
    name: 'the host where it is, and the guest as an instance',
    virt: 'HostnameFormat hostname\nPluginInstanceFormat name uuid\nBlockDeviceFormat source\nBlockDeviceFormatBasename true',
    write: 'StoreRates false\nSeparateInstances true\nEscapeCharacter "-"',
    collector: 'labels: [uuid], diskName: source',
    dialect:
      'storeRates: false, separateInstances: true, escapeCharacter: "-", virt: { hostnameFormat: hostname, ' +
      'pluginInstanceFormat: [name, uuid], blockDeviceFormatBasename: true }',
  },
  {
    name: 'all of it for a host, in tags',
    virt: 'HostnameFormat hostname name uuid\nInterfaceFormat number',
    write: 'StoreRates false\nUseTags true',
    collector: 'labels: [uuid], interfaceName: number',
    dialect: 'storeRates: false, useTags: true, virt: { hostnameFormat: [hostname, name, uuid] }',
  },
];

/** Runs collectd and us side by side until both have read often enough. */
async function sideBySide(libvirtd: Libvirtd, { virt, write, collector, dialect }: Variant) {
  await using theirs = await Sink.listen();
  await using ours = await Sink.listen();
  await using _collectd = Collectd.start(
    HOST,
    ['virt'],
    `<Plugin virt>
Connection "qemu+unix:///system?socket=${libvirtd.readOnly}"
${virt}
</Plugin>
<Plugin write_graphite>
<Node "it">\nHost "127.0.0.1"\nPort "${theirs.port}"\n${write}\n</Node>
</Plugin>
`,
  );
  const named = dialect === '' ? 'collectd' : `{ name: collectd, ${dialect} }`;
  await using _program = new Program(
    [`socket: ${libvirtd.readOnly}`, collector].filter((it) => it !== '').join(', '),
    `  graphite: { host: 127.0.0.1, port: ${ours.port}, only: ["guest.*", "hypervisor.*"], dialect: ${named} }\n`,
  );
  await vi.waitFor(
    () => {
      for (const sink of [theirs, ours]) {
        const times = [...sink.sent()].find(([path]) => path.includes('virt_cpu_total'))?.[1].size;
        expect(times ?? 0).toBeGreaterThan(TOGETHER);
      }
    },
    { timeout: 40_000, interval: 250 },
  );
  return { theirs: theirs.sent(), ours: ours.sent() };
}

const isOfVirt = (path: string) => /(^|[.])virt[-.;]/.test(path);
const names = (sent: Sent): string[] => [...sent.keys()].filter(isOfVirt).sort();

const near = (slots: ReadonlyMap<number, number>, from: number, to: number): number[] =>
  [...slots].filter(([time]) => time >= from && time <= to).map(([, value]) => value);

describeWithPeer(
  ['libvirt', 'collectd'],
  'the guests of a real libvirtd, beside a real collectd',
  () => {
    let libvirtd: Libvirtd;
    beforeAll(async () => {
      libvirtd = await Libvirtd.start();
      for (const guest of [ONE, TWO]) {
        await libvirtd.define(guest);
        await libvirtd.virsh('start', guest.name);
      }
    });
    afterAll(() => libvirtd?.[Symbol.asyncDispose]());

    test.each(VARIANTS)(
      'have its names, and no others that look like them: $name',
      async (variant) => {
        const { theirs, ours } = await sideBySide(libvirtd, variant);
        expect(names(theirs).length).toBeGreaterThan(15);
        expect(names(ours)).toEqual(names(theirs));
        let compared = 0;
        for (const path of names(theirs).filter((name) => !READ_ELSEWHERE.test(name))) {
          const mine = ours.get(path) ?? new Map<number, number>();
          // The tick under way is read late, when we begin.
          const [first = 0] = mine.keys();
          // A percentage and a rate are of seconds that began at another moment.
          if (variant.name === 'rates' || path.includes('.percent-')) {
            const [a, b] = [...[theirs.get(path)?.values() ?? []], mine.values()].map((it) =>
              Math.max(...it),
            );
            expect(Math.abs((a ?? 0) - (b ?? 0)), path).toBeLessThanOrEqual(
              Math.max(a ?? 0, b ?? 0) + 1,
            );
            compared += 1;
            continue;
          }
          // What either reads lies between what the other read before and after it.
          for (const [time, value] of theirs.get(path) ?? []) {
            const [before, after] = [
              near(mine, Math.max(first + 1, time - 3), time - 1),
              near(mine, time + 1, time + 3),
            ];
            if (before.length === 0 || after.length === 0) continue;
            const slack = path.includes('memory-rss') ? 2 ** 22 : 0;
            expect(value, path).toBeGreaterThanOrEqual(Math.min(...before, ...after) - slack);
            expect(value, path).toBeLessThanOrEqual(Math.max(...before, ...after) + slack);
            compared += 1;
          }
        }
        expect(compared).toBeGreaterThan(15);
      },
    );
  },
);

/** Values by series. */
type Page = ReadonlyMap<string, number>;

/** The libvirt metrics of a page for Prometheus. */
async function scrape(port: number): Promise<Page> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('libvirt_domain_'));
  return new Map(
    lines.map((line): [string, number] => {
      const blank = line.lastIndexOf('} ') + 1;
      return [line.slice(0, blank), Number(line.slice(blank).trim().split(' ')[0])];
    }),
  );
}

describeWithPeer(
  ['libvirt', 'libvirt-exporter'],
  'the guests of a real libvirtd, beside Debian’s libvirt_exporter',
  () => {
    describe('each of its series', () => {
      test('is here with its labels but for those of the configuration, and its value', async () => {
        await using libvirtd = await Libvirtd.start();
        for (const guest of [ONE, TWO]) {
          await libvirtd.define(guest);
          await libvirtd.virsh('start', guest.name);
        }
        const [theirs, ours] = [await freePort(), await freePort()];
        const uri = `qemu+unix:///system?socket=${libvirtd.readOnly}`;
        const exporter = spawn(
          '/usr/bin/prometheus-libvirt-exporter',
          [`--web.listen-address=127.0.0.1:${theirs}`, `--libvirt.uri=${uri}`],
          { stdio: 'ignore' },
        );
        await using _exporter = { [Symbol.asyncDispose]: () => end(exporter) };
        await using _program = new Program(
          `socket: ${libvirtd.readOnly}, labels: [uuid]`,
          `  prometheus: { port: ${ours} }\n`,
        );
        const page = (port: number) =>
          vi.waitFor(
            async () => {
              const found = await scrape(port);
              expect(found.size).toBeGreaterThan(20);
              return found;
            },
            { timeout: 30_000, interval: 250 },
          );
        const own = (name: string) => name.replace(/,?source_(file|bridge)="[^"]*"/, '');
        // Of a guest that is busy with the other's question some are missing for a tick: it is not waited for.
        const whole = (names: Iterable<string>, goesFor: (found: Page) => void = () => {}) =>
          vi.waitFor(
            async () => {
              const found = await page(ours);
              expect([...names].filter((name) => !found.has(own(name)))).toEqual([]);
              goesFor(found);
              return found;
            },
            { timeout: 30_000, interval: 250 },
          );
        const before = await whole((await page(theirs)).keys());
        const peers = await page(theirs);
        // Ours is as old as the last tick.
        const grown = (name: string) =>
          whole(peers.keys(), (found) => {
            expect(found.get(name)).toBeGreaterThan(peers.get(name) ?? 0);
          });
        const time = [...peers.keys()].find((name) => name.includes('cpu_time')) ?? '';
        const after = await grown(time);
        for (const [name, value] of peers) {
          const here = own(name);
          expect(value, here).toBeGreaterThanOrEqual(before.get(here) ?? Number.NaN);
          expect(value, here).toBeLessThanOrEqual(after.get(here) ?? Number.NaN);
        }
      });
    });
  },
);

describeWithPeer('libvirt', 'the rule for polkit that docs/guests.md shows', () => {
  test('lets its user read where polkit lets nobody', async () => {
    const page = readFileSync(new URL('../../docs/guests.md', import.meta.url), 'utf8');
    const [, shown = ''] = /^```js\n(polkit[\s\S]*?)^```/m.exec(page) ?? [];
    expect(shown).toContain("subject.user == 'cullinan'");
    const nobody = 'polkit.addRule(function () { return polkit.Result.NO; });';
    const rule = `${shown.replace("'cullinan'", "'nobody'")}\n${nobody}\n`;
    await using libvirtd = await Libvirtd.start({ auth: 'polkit', rule });
    await libvirtd.define(ONE);
    const printed = await libvirtd.once('collectors: { libvirt: {} }', 'libvirt', '--raw');
    expect(printed).toMatch(/guest\.state.*one.* 5\b/);
  });
});
