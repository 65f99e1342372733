import { NoData } from '../plugin/index.ts';
import { library, type Reading, type Source, seldom } from './source.ts';

/** Six hours at 10 s. */
const RARELY = 2160;

/** The library's words for what it does not know. */
const known = (text: string | undefined): string =>
  text === undefined || /^(unknown|-|Computer)?$/i.test(text) ? '' : text;

async function inventory() {
  const si = await library();
  const [os, cpu, system, memory] = await Promise.all([
    si.osInfo(),
    si.cpu(),
    si.system(),
    si.mem(),
  ]);
  const size = memory.total / 1024 ** 3;
  // Serial numbers and UUIDs are in the answers as well, and stay there.
  return {
    os: os.platform.toLowerCase(),
    kernel: os.kernel,
    arch: MACHINES.get(os.arch) ?? os.arch,
    distribution: known(os.distro),
    version: known(os.release),
    vendor: known(system.manufacturer),
    model: known(system.model),
    virtualization: system.virtual ? known(system.virtualHost).toLowerCase() || 'other' : 'none',
    cpu_model: `${cpu.manufacturer} ${cpu.brand}`.trim(),
    memory: `${size < 100 ? size.toPrecision(3) : size.toFixed()} GiB`,
  };
}
/** Node's names for what uname(1) says. */
const MACHINES: ReadonlyMap<string, string> = new Map([
  ['x64', 'x86_64'],
  ['ia32', 'i686'],
  ['arm64', 'aarch64'],
]);

export const host: Source<unknown> = {
  asks: 'systeminformation’s osInfo(), cpu(), system() and mem(), every six hours at 10 s',
  open: () => {
    const facts = seldom(RARELY, inventory);
    return async () => [['system.host.info', 1, await facts()]];
  },
};

export const sensors: Source<unknown> = {
  asks: 'systeminformation’s cpuTemperature()',
  open: () => async () => {
    const { main, cores, socket, chipset } = await (await library()).cpuTemperature();
    const all: readonly (readonly [sensor: string, celsius: number | null | undefined])[] = [
      ['main', main],
      ...cores.map((core, i) => [`core ${i}`, core] as const),
      ...(socket ?? []).map((one, i) => [`socket ${i}`, one] as const),
      ['chipset', chipset],
    ];
    const readings = all.flatMap(([sensor, celsius]): Reading[] =>
      typeof celsius === 'number' && Number.isFinite(celsius)
        ? [['hardware.temperature', celsius, { chip: 'cpu', sensor }]]
        : [],
    );
    if (readings.length === 0) throw new NoData('this system does not tell a temperature');
    return readings;
  },
};

export const batteries: Source<unknown> = {
  asks: 'systeminformation’s battery()',
  open: () => async () => {
    const first = await (await library()).battery();
    if (!first.hasBattery) throw new NoData('this system has no battery');
    const readings: Reading[] = [
      ['hardware.mains.online', first.acConnected ? 1 : 0, { supply: 'mains' }],
    ];
    for (const [i, now] of [first, ...(first.additionalBatteries ?? [])].entries()) {
      const where = { battery: `BAT${i}` };
      readings.push(
        ['hardware.battery.charge', now.percent / 100, where],
        ['hardware.battery.charging', now.isCharging ? 1 : 0, where],
      );
      if (now.designedCapacity > 0 && now.maxCapacity > 0) {
        const health = now.maxCapacity / now.designedCapacity;
        readings.push(['hardware.battery.health', health, where]);
      }
      if (now.cycleCount > 0) readings.push(['hardware.battery.cycles', now.cycleCount, where]);
      if (now.voltage > 0) readings.push(['hardware.battery.voltage', now.voltage, where]);
    }
    return readings;
  },
};
