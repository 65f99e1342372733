import { type Counterpart, calledNone, matching, OWN_NAMES } from './counterpart.ts';
import type { Settings } from './settings.ts';

/** What the kernel and the disks tell of, beyond Diamond's core collectors. */
export const kernel: Readonly<Record<string, Counterpart>> = {
  InterruptCollector: {
    collector: 'interrupts',
    path: 'interrupts',
    only: ['system.linux.interrupts', 'system.linux.interrupts.cpu'],
    note: OWN_NAMES,
    options({ draft }, at) {
      draft.set([...at, 'perCpu'], true);
    },
  },
  NfsCollector: {
    collector: 'nfs',
    path: 'nfs',
    only: [
      'system.nfs.operations & label:side=client',
      'system.nfs.rpc.calls & label:side=client',
      'system.nfs.rpc.retransmissions',
      'system.nfs.rpc.authentication_refreshes',
      'system.nfs.connections & label:side=client',
    ],
    renames: [
      {
        match: 'system.nfs.operations & label:side=client',
        from: 'system\\.nfs\\.operations\\.client\\.(\\d)\\.',
        to: 'nfs.v$2.',
      },
      {
        match: 'system.nfs.rpc.calls & label:side=client',
        from: 'system\\.nfs\\.rpc\\.calls\\.client',
        to: 'nfs.rpc.calls',
      },
      {
        match: 'system.nfs.rpc.retransmissions',
        from: 'system\\.nfs\\.rpc\\.retransmissions',
        to: 'nfs.rpc.retrans',
      },
      {
        match: 'system.nfs.rpc.authentication_refreshes',
        from: 'system\\.nfs\\.rpc\\.authentication_refreshes',
        to: 'nfs.rpc.authrefrsh',
      },
      {
        match: 'system.nfs.connections & label:side=client',
        from: 'system\\.nfs\\.connections\\.client',
        to: 'nfs.net.tcpconn',
      },
    ],
  },
  NfsdCollector: {
    collector: 'nfs',
    path: 'nfsd',
    only: ['system.nfs.operations & label:side=server', 'system.nfs.rpc.calls & label:side=server'],
    renames: [
      {
        match: 'system.nfs.operations & label:side=server & label:version=re:^[23]$',
        from: 'system\\.nfs\\.operations\\.server\\.(\\d)\\.',
        to: 'nfsd.v$2.',
      },
      {
        match: 'system.nfs.operations & label:side=server & label:version=4',
        from: 'system\\.nfs\\.operations\\.server\\.4\\.',
        to: 'nfsd.v4.ops.',
      },
      {
        match: 'system.nfs.rpc.calls & label:side=server',
        from: 'system\\.nfs\\.rpc\\.calls\\.server',
        to: 'nfsd.rpc.cnt',
      },
    ],
  },
  MountStatsCollector: {
    collector: 'mountstats',
    path: 'mountstats',
    only: ['system.nfs.mount.*'],
    note: OWN_NAMES,
    options(settings, at) {
      for (const [key, list] of [
        ['include_filters', 'include'],
        ['exclude_filters', 'exclude'],
      ] as const) {
        const made = matching(settings, key);
        if (made === undefined || made.length === 0) settings.expect(key, made?.length === 0, '');
        else settings.draft.set([...at, 'mounts', list], made, settings.lines(key));
      }
      calledNone(settings, '/proc/self/mountstats is read by the agent itself');
    },
  },
  FilestatCollector: {
    collector: 'processes',
    path: 'files',
    only: ['system.files.open', 'system.files.limit'],
    renames: [
      { match: 'system.files.open', from: 'system\\.files\\.open', to: 'files.assigned' },
      { match: 'system.files.limit', from: 'system\\.files\\.limit', to: 'files.max' },
    ],
  },
  EntropyStatCollector: {
    collector: 'processes',
    path: 'entropy',
    only: ['system.entropy.available'],
    renames: [
      {
        match: 'system.entropy.available',
        from: 'system\\.entropy\\.available',
        to: 'entropy.available',
      },
    ],
  },
  LMSensorsCollector: {
    collector: 'sensors',
    path: 'sensors',
    only: ['hardware.temperature', 'hardware.fan.speed', 'hardware.voltage', 'hardware.power'],
    note: OWN_NAMES,
    options(settings) {
      const celsius = settings.truth('fahrenheit') === false;
      settings.expect('fahrenheit', celsius, 'temperatures are in degrees Celsius');
      settings.leave('what a sensor says is sent as it is', 'send_zero');
    },
  },
  SmartCollector: {
    collector: 'smart',
    path: 'smart',
    only: ['smart.attribute.raw'],
    options(settings, at) {
      disks(settings, at);
      const sudo = settings.truth('use_sudo') === true;
      const bin = settings.text('bin') ?? 'smartctl';
      if (sudo || settings.get('bin') !== undefined)
        settings.draft.set(
          [...at, 'command'],
          [...(sudo ? [settings.text('sudo_cmd') ?? '/usr/bin/sudo', '-n'] : []), bin],
          settings.lines('bin', ...(sudo ? ['use_sudo', 'sudo_cmd'] : [])),
        );
      settings.draft.carry(settings.lines('use_sudo', 'sudo_cmd'));
    },
  },
  DiskTemperatureCollector: {
    collector: 'smart',
    path: 'disktemp',
    only: ['smart.temperature'],
    renames: [
      {
        match: 'smart.temperature',
        from: 'smart\\.temperature\\.([^.]+)',
        to: 'disktemp.$2.Temperature',
      },
    ],
    options(settings, at) {
      disks(settings, at);
      calledNone(settings, 'smartctl is called in place of hddtemp: command');
    },
  },
};

const DISKS = '^(?:disk[0-9]$|sd[a-z]$|hd[a-z]$)';

function disks(settings: Settings, at: readonly string[]): void {
  const devices = matching(settings, 'devices') ?? [`re:${DISKS}`];
  settings.draft.set([...at, 'devices'], { include: devices }, settings.lines('devices'));
}
