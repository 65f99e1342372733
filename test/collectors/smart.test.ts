import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AccessDenied, Foreseen, NoData, ParseError } from 'cullinan/plugin';
import { fieldsOf, parseJson } from 'cullinan/wire/json';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import smart, { devicesIn, observe, parse } from '../../collectors/smart.ts';
import { collecting, expectSound } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';
import { oddMembers, oddNumbers, oddObject } from '../support/odd-json.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, valuesOf } from '../support/probing.ts';

/** In the form of smartctl 7.3: a disk that fails, one that sleeps, an NVMe, and one that may not be opened. */
const ANSWERS = fileURLToPath(new URL('../fixtures/smart/', import.meta.url));

/** A program that prints such an answer, and keeps how often it was run. */
function printing(folder = ANSWERS) {
  const at = mkdtempSync(join(tmpdir(), 'cullinan-smart-'));
  onTestFinished(() => rmSync(at, { recursive: true }));
  const log = join(at, 'log');
  writeFileSync(log, '');
  const script = `echo "$*" >>'${log}'; for last; do :; done; case $last in --scan) f=scan;; *) f=\${last##*/};; esac; exec cat '${folder}'$f.json`;
  const command = ['sh', '-c', script, 'smartctl'];
  return { command, runs: () => readFileSync(log, 'utf8').trim().split('\n') };
}

const all = () => true;

describe('smart', () => {
  test('knows each disk, and what it may not open', async () => {
    const { command, runs } = printing();
    const run = await asked(smart, { command });
    expect(run.thrown).toBeUndefined();
    expect(valuesOf(run, 'smart.')).toEqual({
      ...{ 'healthy{sda}': 0, 'temperature{sda}': 36, 'power_cycles{sda}': 279 },
      ...{ 'power_on_time{sda}': 36_055 * 3600 + 720, 'attributes.failing{sda}': 1 },
      ...{ 'attribute.raw{sda,Raw_Read_Error_Rate}': 199_781_349 },
      ...{ 'attribute.value{sda,Raw_Read_Error_Rate}': 83 },
      ...{ 'attribute.threshold{sda,Raw_Read_Error_Rate}': 44 },
      ...{ 'attribute.raw{sda,Reallocated_Sector_Ct}': 3480 },
      ...{ 'attribute.value{sda,Reallocated_Sector_Ct}': 9 },
      ...{ 'attribute.threshold{sda,Reallocated_Sector_Ct}': 10 },
      ...{ 'attribute.raw{sda,Power_On_Hours}': 36_055, 'attribute.value{sda,Power_On_Hours}': 59 },
      'attribute.threshold{sda,Power_On_Hours}': 0,
      ...{ 'attribute.raw{sda,Temperature_Celsius}': 12_884_901_924 },
      ...{ 'attribute.value{sda,Temperature_Celsius}': 36 },
      'attribute.threshold{sda,Temperature_Celsius}': 0,
      ...{ 'attribute.raw{sda,Current_Pending_Sector}': 8 },
      ...{ 'attribute.value{sda,Current_Pending_Sector}': 100 },
      'attribute.threshold{sda,Current_Pending_Sector}': 0,
      ...{ 'attribute.raw{sda,240}': 7, 'attribute.value{sda,240}': 100 },
      'attribute.threshold{sda,240}': 0,
      ...{ 'healthy{nvme0}': 1, 'temperature{nvme0}': 41, 'power_cycles{nvme0}': 26 },
      ...{ 'power_on_time{nvme0}': 2401 * 3600, 'wear{nvme0}': 0.03, 'spare{nvme0}': 1 },
      ...{ 'spare.threshold{nvme0}': 0.1, 'io{nvme0,read}': 512e6, 'io{nvme0,write}': 1024e6 },
      ...{ 'errors{nvme0,media}': 0, 'errors{nvme0,log}': 12, 'errors{nvme0,shutdown}': 4 },
      'critical_warning{nvme0}': 0,
    });
    expect(run.errors).toHaveLength(1);
    expect(run.errors[0]).toBeInstanceOf(AccessDenied);
    expect(String(run.errors[0])).toContain('/dev/bus/0: Smartctl open device');
    expect(runs()[1]).toBe('--json=c --nocheck=standby --info --health --attributes /dev/sda');
    expect(runs().some((words) => words.endsWith('--device nvme /dev/nvme0'))).toBe(true);
  });

  test('asks once in a while, and only the disks that are chosen', async () => {
    const { command, runs } = printing();
    const collect = collecting(smart);
    const at = async (time: number) =>
      valuesOf(
        await collect(time, {
          host: hostWith({}),
          options: { command, devices: { include: ['nvme*'] }, every: '1m' },
        }),
        'smart.healthy',
      );
    for (const time of [1000, 1010, 1059, 1060, 1070]) {
      expect(await at(time)).toEqual({ '{nvme0}': 1 });
    }
    expect(runs()).toHaveLength(4);
  });

  test('disks behind a controller have names of their own', () => {
    const scan = parse(readFileSync(`${ANSWERS}scan.json`, 'utf8'));
    expect(devicesIn(scan, all).map(({ name }) => name)).toEqual([
      ...['sda', 'sdb', 'nvme0', 'bus/0_megaraid_4'],
    ]);
  });

  test('256 disks are asked at most, each of which is a process, of those that are chosen', () => {
    const devices = Array.from({ length: 1000 }, (_, i) => ({ name: `/dev/sd${i}` }));
    const names = devicesIn({ devices }, (name) => name.endsWith('1')).map(({ name }) => name);
    expect(names).toEqual(Array.from({ length: 100 }, (_, i) => `sd${i * 10 + 1}`));
    expect(devicesIn({ devices }, all)).toHaveLength(256);
  });

  test('no smartctl, an old one, and one that says nothing', async () => {
    const none = await asked(smart, { command: ['no-such-smartctl'] });
    expect(none.thrown).toEqual(new NoData('there is no program no-such-smartctl here'));
    const old = await asked(smart, { command: ['echo', 'UNRECOGNIZED OPTION: json'] });
    expect(old.thrown).toBeInstanceOf(ParseError);
    const silent = await asked(smart, {
      command: ['sh', '-c', 'echo sudo: a password is required >&2'],
    });
    expect(silent.thrown).toEqual(
      new Foreseen('sh said nothing but "sudo: a password is required"'),
    );
  });

  test('what is too large in seconds or bytes is no number', () => {
    const answer = {
      power_on_time: { hours: 1e305 },
      nvme_smart_health_information_log: { data_units_read: 1e305, data_units_written: 1 },
    };
    expect([...observe('sda', answer)].map(({ metric, value }) => [metric.name, value])).toEqual([
      ['smart.io', 512_000],
    ]);
  });

  test('whatever is answered, only numbers come of it', () => {
    const attribute = oddObject({
      ...oddMembers('id', 'name', 'value', 'thresh', 'when_failed'),
      raw: oddNumbers('value'),
    });
    const log = ['percentage_used', 'available_spare', 'data_units_read', 'media_errors'];
    const answer = oddObject({
      ...oddMembers('smart_status', 'temperature', 'power_cycle_count'),
      power_on_time: oddNumbers('hours', 'minutes'),
      ata_smart_attributes: fc.array(attribute).map((rows) => `{"table":[${rows}]}`),
      nvme_smart_health_information_log: oddNumbers(...log, 'critical_warning'),
    });
    let seen = 0;
    fc.assert(
      fc.property(answer, (text) => {
        const parsed = { ...parse('{"smartctl":{}}'), ...fieldsOf(parseJson('', text)) };
        devicesIn(parsed, all);
        const observations = [...observe('sda', parsed)];
        expectSound(smart, { observations, errors: [], thrown: undefined });
        seen += observations.length;
      }),
    );
    expect(seen).toBeGreaterThan(100);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => parse(text)).toThrow(ParseError);
      }),
    );
  });
});

describeWithPeer('smartmontools', 'the real smartctl', () => {
  test('is understood, whatever disks there are', async () => {
    const { thrown, errors } = await asked(smart, {});
    if (thrown !== undefined) expect(thrown).toBeInstanceOf(NoData);
    for (const error of errors) expect(error).toBeInstanceOf(Foreseen);
  });
});
