import type { Point } from 'cullinan/plugin';
import { decodePacket, type GangliaPacket, LONGEST_PACKET } from 'cullinan/wire/ganglia';
import { GANGLIA_GROUPS } from 'cullinan/wire/ganglia/groups';
import { GANGLIA_METRICS } from 'cullinan/wire/ganglia/metrics';
import { GangliaSender, type GroupPolicy, type SenderOptions } from 'cullinan/wire/ganglia/sender';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CAPTURES } from '../support/ganglia-captures.ts';
import { point } from '../support/points.ts';

const T = 1_795_219_200;
const REST: GroupPolicy = { timeThreshold: 60, valueThreshold: undefined, group: undefined };
const GMONDS: Readonly<Record<string, GroupPolicy>> = GANGLIA_GROUPS;

/** A sender, and what it sends, decoded. */
function sending(options: Partial<SenderOptions> = {}) {
  const sender = new GangliaSender({
    ...{ host: 'web01', spoof: undefined, metadataInterval: 0, dmax: 86_400, extra: true },
    ...{ others: true, location: '', started: T - 100, policy: (name) => GMONDS[name] ?? REST },
    ...options,
  });
  const decoded = (packets: readonly Uint8Array[]): GangliaPacket[] =>
    packets.map((bytes) => decodePacket(bytes) ?? { kind: 'request', id: NOBODY });
  return {
    take: (...points: Point[]) => decoded(sender.take(points)),
    beat: (now = T) => decoded(sender.beat(now)),
    requested: sender.requested.bind(sender),
  };
}
const NOBODY = { host: '', name: 'not a packet', spoof: false };

/** What was sent, as `metadata NAME` and `NAME VALUE`. */
const said = (packets: readonly GangliaPacket[]): string[] =>
  packets.map((packet) =>
    packet.kind === 'value'
      ? `${packet.id.name} ${packet.value}`
      : `${packet.kind} ${packet.id.name}`,
  );

const at = (seconds: number, path: string, value: number): Point =>
  point(path, { value, time: T + seconds });

describe("gmond's own metrics", () => {
  const captured = new Map(
    CAPTURES.filter(({ name }) => name.startsWith('gmond-')).flatMap(({ bytes }) => {
      const packet = decodePacket(bytes);
      return packet === undefined ? [] : [[`${packet.kind} ${packet.id.name}`, packet] as const];
    }),
  );
  const numbers = Object.entries(GANGLIA_METRICS).filter(([, { type }]) => type !== 'string');

  test.each(numbers)('%s goes with the type, format and metadata of gmond', (name) => {
    const [metadata, value] = sending().take(at(0, name, 7));
    const theirs = captured.get(`value ${name}`);
    if (theirs?.kind === 'value') {
      expect(value).toMatchObject({ kind: 'value', type: theirs.type, format: theirs.format });
    }
    const described = captured.get(`metadata ${name}`);
    if (described?.kind !== 'metadata') return;
    const { type, units, slope, tmax, dmax, extra } = described;
    expect(metadata).toMatchObject({ kind: 'metadata', type, units, slope, tmax, dmax });
    const ours = metadata?.kind === 'metadata' ? metadata.extra : [];
    // Descriptions are in our own words.
    const named = (all: typeof extra) => all.filter(([key]) => key !== 'DESC');
    expect(named(ours)).toEqual(named(extra));
    expect(ours.map(([key]) => key)).toEqual(extra.map(([key]) => key));
  });

  test('that are strings come out of what the host is, which itself is not sent', () => {
    const labels = { os: 'linux', kernel: '6.1.0-18-amd64', arch: 'x86_64', model: '<Q&A>' };
    const host = point('system.host.info', { labels, time: T });
    const { take } = sending();
    expect(said(take(host))).toEqual([
      ...['metadata os_name', 'os_name Linux', 'metadata os_release'],
      ...['os_release 6.1.0-18-amd64', 'metadata machine_type', 'machine_type x86_64'],
    ]);
    expect(take({ ...host, time: T + 10 })).toEqual([]);
    const upgraded = { ...labels, kernel: '6.1.0-19-amd64' };
    const after = point('system.host.info', { labels: upgraded, time: T + 20 });
    expect(said(take(after))).toContain('os_release 6.1.0-19-amd64');
  });

  test('part_max_used is of the fullest filesystem, with what is reserved for root', () => {
    const filesystem = (device: string, used: number, reserved: number, free: number) => {
      const facts = (state: string) => ({ device, mountpoint: device, type: 'ext4', state });
      const of = (name: string, value: number, state = '') =>
        point(name, {
          unit: 'B',
          value,
          time: T,
          labels: facts(state),
          path: `${name}${device}${state}`,
        });
      return [
        of('system.filesystem.usage', used, 'used'),
        of('system.filesystem.usage', reserved, 'reserved'),
        of('system.filesystem.unused', free + reserved),
      ];
    };
    const root = filesystem('/dev/sda1', 50, 5, 45);
    const data = filesystem('/dev/sdb1', 70, 0, 30);
    const mounts = [...filesystem('tmpfs', 99, 0, 1), ...filesystem('nas:/dev/x', 99, 0, 1)];
    const { take } = sending();
    expect(said(take(...root, ...data, ...mounts))).toContain('part_max_used 70');
    // A tick may come in several batches, cut anywhere.
    const other = sending();
    other.take(...data, ...root.slice(0, 1));
    expect(said(other.take(...root.slice(1)))).not.toContain('part_max_used 55');
  });
});

describe('a metric that gmond does not have', () => {
  const metadata = (facts: Parameters<typeof point>[1], options: Partial<SenderOptions> = {}) => {
    const [first] = sending(options).take(point('system.disk.io', { time: T, ...facts }));
    return first;
  };

  test('is a double of its own unit, in the group of its collector', () => {
    const facts = { unit: 'B', kind: 'counter', reading: 'rate', collector: 'disk' } as const;
    expect(metadata({ ...facts, path: 'system.disk.io.sda' })).toEqual({
      ...{ kind: 'metadata', id: { host: 'web01', name: 'system.disk.io.sda', spoof: false } },
      ...{ type: 'double', units: 'bytes/sec', slope: 'both', tmax: 60, dmax: 86_400 },
      extra: [
        ['DESC', 'For a test.'],
        ['GROUP', 'disk'],
      ],
    });
    expect(metadata({ unit: '1' })).toMatchObject({ units: ' ', slope: 'both' });
    expect(metadata({ unit: 's' })).toMatchObject({ units: 's' });
    expect(metadata({ unit: 'B', scale: 1024 })).toMatchObject({ units: ' ' });
    expect(metadata({ kind: 'counter', reading: 'value' })).toMatchObject({ slope: 'positive' });
    expect(metadata({}, { extra: false })).toMatchObject({ extra: [] });
  });

  test('is not sent, where only those of gmond are; but these are made of it', () => {
    const { take } = sending({ others: false });
    const disk = { device: '/dev/sda1', mountpoint: '/', type: 'ext4' };
    const usage = (value: number, state: string) =>
      point('system.filesystem.usage', { value, time: T, labels: { ...disk, state } });
    const unused = point('system.filesystem.unused', { value: 25, time: T, labels: disk });
    const batch = [usage(70, 'used'), usage(5, 'reserved'), unused, at(0, 'cpu_num', 4)];
    expect(said(take(...batch))).toEqual([
      ...['metadata cpu_num', 'cpu_num 4', 'metadata part_max_used'],
      expect.stringMatching(/^part_max_used 78\.9/),
    ]);
  });

  test('has as many digits as it needs', () => {
    const format = (value: number, precision?: number) => {
      const it = point('m', { value, time: T, ...(precision !== undefined && { precision }) });
      const [, packet] = sending().take(it);
      return packet?.kind === 'value' ? packet.format : undefined;
    };
    expect(format(0)).toBe('%.0f');
    expect(format(8_589_934_592)).toBe('%.0f');
    expect(format(0.25)).toBe('%.2f');
    expect(format(1 / 3)).toBe('%.9f');
    expect(format(-12_345.678_901_234)).toBe('%.4f');
    expect(format(1e-7)).toBe('%.7f');
    expect(format(1e-30)).toBe('%.0f');
    expect(format(1e40)).toBe('%.9g');
    expect(format(1 / 3, 2)).toBe('%.2f');
  });
});

describe('a value is sent', () => {
  test('the first time, when it changed by its threshold, and when it was not sent for long', () => {
    const { take } = sending();
    expect(said(take(at(0, 'load_one', 0.5)))).toEqual(['metadata load_one', 'load_one 0.5']);
    expect(take(at(10, 'load_one', 1.25))).toEqual([]);
    expect(said(take(at(20, 'load_one', 1.5)))).toEqual(['load_one 1.5']);
    expect(take(at(30, 'load_one', 1.5), at(40, 'load_one', 1.25))).toEqual([]);
    expect(said(take(at(110, 'load_one', 1.5)))).toEqual(['load_one 1.5']);
  });

  test('with the metrics of its group', () => {
    const { take } = sending();
    const load = (seconds: number, one: number) =>
      take(at(seconds, 'load_one', one), at(seconds, 'load_five', 1), at(seconds, 'mem_free', 1e6));
    expect(said(load(0, 1))).toHaveLength(6);
    expect(said(load(10, 2))).toEqual(['load_one 2', 'load_five 1']);
  });

  test('by itself, where it has no group; and only after the time, where it has no threshold', () => {
    const { take } = sending();
    take(at(0, 'a', 1), at(0, 'b', 1));
    expect(take(at(50, 'a', 9), at(50, 'b', 1))).toEqual([]);
    expect(said(take(at(60, 'a', 9)))).toEqual(['a 9']);
    expect(said(take(at(70, 'a', 9), at(70, 'b', 1)))).toEqual(['b 1']);
  });

  test('at any change, where the threshold is 0', () => {
    const { take } = sending({ policy: () => ({ ...REST, valueThreshold: 0 }) });
    take(at(0, 'a', 1));
    expect(take(at(10, 'a', 1))).toEqual([]);
    expect(said(take(at(20, 'a', 1.001)))).toEqual(['a 1.001']);
  });

  test('once, where a batch has several: the last', () => {
    const { take } = sending();
    expect(said(take(at(0, 'a', 1), at(10, 'a', 2)))).toEqual(['metadata a', 'a 2']);
  });

  test('though the clock was set back', () => {
    const { take } = sending();
    take(at(0, 'a', 1));
    expect(said(take(at(-5000, 'a', 1)))).toEqual(['a 1']);
    expect(take(at(-4990, 'a', 1))).toEqual([]);
  });

  test('if its type has it, and never as another one', () => {
    const { take } = sending();
    expect(take(at(0, 'proc_run', -1), at(0, 'cpu_num', 70_000))).toEqual([]);
    expect(take(at(0, 'load_one', 1e39), at(0, 'x', Number.NaN), at(0, 'y', Infinity))).toEqual([]);
    expect(said(take(at(10, 'proc_run', 2.4)))).toEqual(['metadata proc_run', 'proc_run 2']);
  });
});

describe('metadata is sent', () => {
  test('before the first value, again after its interval, and then with a value', () => {
    const { take } = sending({ metadataInterval: 100 });
    take(at(0, 'a', 1));
    expect(said(take(at(60, 'a', 2)))).toEqual(['a 2']);
    expect(take(at(110, 'a', 3))).toEqual([]);
    expect(said(take(at(120, 'a', 4)))).toEqual(['metadata a', 'a 4']);
    expect(said(take(at(180, 'a', 4)))).toEqual(['a 4']);
  });

  test('when somebody asks for it, with the next value', () => {
    const { take, requested, beat } = sending();
    take(at(0, 'a', 1), at(0, 'b', 1));
    // gmond asks by the name that an address has in its DNS.
    requested({ host: '10.0.0.7', name: 'a', spoof: false });
    requested({ host: '10.0.0.7', name: 'unknown', spoof: false });
    requested({ host: '10.0.0.7:web01', name: 'b', spoof: true });
    expect(said(take(at(10, 'a', 1), at(10, 'b', 1)))).toEqual(['metadata a', 'a 1']);
    beat();
    requested({ host: '10.0.0.7', name: 'heartbeat', spoof: false });
    expect(said(beat())).toEqual(['metadata heartbeat', `heartbeat ${T - 100}`]);
  });

  test('of a spoofed host to who asks for that one', () => {
    const { take, requested } = sending({ spoof: '10.0.0.7:web.example' });
    take(at(0, 'a', 1));
    requested({ host: '10.0.0.8:other.example', name: 'a', spoof: true });
    expect(take(at(10, 'a', 1))).toEqual([]);
    requested({ host: '10.0.0.7:web.example', name: 'a', spoof: true });
    expect(said(take(at(20, 'a', 1)))).toEqual(['metadata a', 'a 1']);
  });
});

describe('a host', () => {
  test('lives by its heartbeats, which say when the agent was started', () => {
    const { beat } = sending();
    const [metadata, value] = beat();
    expect(metadata).toMatchObject({ slope: 'unspecified', tmax: 20, type: 'uint32', units: '' });
    expect(value).toMatchObject({ type: 'uint32', format: '%u', value: T - 100 });
    expect(said(beat(T + 20))).toEqual([`heartbeat ${T - 100}`]);
  });

  test('is spoofed as gmond does it where its name is overridden', () => {
    const { take, beat } = sending({ spoof: '10.0.0.7:web.example' });
    const id = { host: '10.0.0.7:web.example', spoof: true };
    const [metadata, value] = take(at(0, 'a', 1));
    expect(metadata?.id).toEqual({ ...id, name: 'a' });
    expect(metadata).toMatchObject({
      extra: [['SPOOF_HOST', id.host], ['DESC'], ['GROUP']].map((all) =>
        expect.arrayContaining(all),
      ),
    });
    expect(value?.id).toEqual({ ...id, name: 'a' });
    expect(beat()[0]).toMatchObject({
      extra: expect.arrayContaining([['SPOOF_HEARTBEAT', 'yes']]),
    });
  });

  test('that is not the own one is always spoofed, and beats for as long as it is observed', () => {
    const { take, beat } = sending();
    const guest = point('a', { time: T, host: 'my <guest>' });
    expect(take(guest)[0]?.id).toEqual({ host: 'my__guest_:my__guest_', name: 'a', spoof: true });
    const hosts = () => beat().map(({ id }) => id.host);
    expect(new Set(hosts())).toEqual(new Set(['web01', 'my__guest_:my__guest_']));
    for (let i = 0; i < 3; i += 1) expect(hosts()).toHaveLength(2);
    expect(hosts()).toEqual(['web01']);
    take({ ...guest, time: T + 100 });
    expect(hosts()).toHaveLength(2);
  });

  test('says where it stands, if it was told', () => {
    const { take } = sending({ location: '1,2,"3"' });
    const [, , metadata, value] = take(at(0, 'a', 1));
    expect(metadata).toMatchObject({ units: '(x,y,z)', tmax: 1200, slope: 'unspecified' });
    expect(value).toMatchObject({ type: 'string', value: '1,2,_3_' });
    expect(take(at(10, 'a', 1))).toEqual([]);
  });

  test('forgets devices that are gone, and hosts with them', () => {
    const { take, requested } = sending({ metadataInterval: 0 });
    const guest = point('a', { time: T, host: 'guest' });
    take(at(0, 'gone', 1), guest);
    take(at(4000, 'a', 1));
    requested({ host: '', name: 'gone', spoof: false });
    expect(said(take(at(4010, 'gone', 1)))).toEqual(['metadata gone', 'gone 1']);
    expect(said(take({ ...guest, time: T + 4010 }))).toEqual(['metadata a', 'a 1']);
  });
});

describe("gmond's XML", () => {
  const any = fc.string({ unit: 'binary', maxLength: 400 });

  test('cannot be broken by whatever a metric, a label or a host is called', () => {
    fc.assert(
      fc.property(any, any, any, any, (path, host, help, text) => {
        const it = point('system.host.info', {
          ...{ path, host, time: T, collector: text, value: 1 },
          labels: { os: text, kernel: help, arch: host },
        });
        const { metric, ...series } = it.name.series;
        const helped = { ...series, metric: { ...metric, name: 'x', help } };
        const plain = { ...it, name: { ...it.name, series: helped } };
        const { take, beat } = sending({ location: text });
        for (const packet of [...take(it, plain), ...beat()]) {
          const { id, ...rest } = packet;
          expect(id.host).toMatch(/^[\w.:-]{1,257}$/);
          expect(id.name).toMatch(/^[\w-][\w.-]{0,127}$/);
          const texts: unknown[] = Object.values(rest).flat(2);
          for (const said of texts) {
            if (typeof said === 'string') expect(said).toMatch(/^[ -~]{0,257}$/);
            if (typeof said === 'string') expect(said).not.toMatch(/[<>&"]/);
          }
        }
      }),
    );
  });

  test('is not cut off: no packet is longer than gmond takes, and no element', () => {
    const long = 'x'.repeat(5000);
    const it = point(long, { host: long, collector: long, time: T });
    const { metric, ...series } = it.name.series;
    const named = {
      ...it,
      name: { ...it.name, series: { ...series, metric: { ...metric, help: long } } },
    };
    const sender = new GangliaSender({
      ...{
        host: 'web01',
        spoof: undefined,
        metadataInterval: 0,
        dmax: 0,
        extra: true,
        others: true,
      },
      ...{ location: long, started: 0, policy: () => REST },
    });
    const packets = sender.take([named]);
    expect(packets).toHaveLength(4);
    for (const { length } of packets) expect(length).toBeLessThan(LONGEST_PACKET);
  });

  test('keeps names apart that are long, or the same but for their ends', () => {
    const { take } = sending();
    const long = 'x'.repeat(200);
    const names = take(at(0, `${long}1`, 1), at(0, `${long}2`, 1)).map(({ id }) => id.name);
    expect(new Set(names).size).toBe(2);
  });
});
