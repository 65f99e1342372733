import type { Options } from './diamond-options.ts';
import { everything, level, rate, type Section } from './diamond-row.ts';

const PERCENT = 100;
const NANOSECONDS = 1e9;

const INNER: Readonly<Record<string, string>> = { bytes: 'io', drops: 'dropped' };

/** LibvirtKVMCollector: CPU time alone is a rate. It asks for the total, and so its CPU 0 is all of them. */
export const libvirtKvm = ({ cpuAbsolute }: Options): Section => {
  const time = (path: string) =>
    cpuAbsolute ? level(path, 0, NANOSECONDS) : rate(path, 0, PERCENT);
  const named = (path: string) => [level(`libvirt-kvm.${path}`, 0)];
  const nics = (metric: string, path: string): Section['rows'] =>
    Object.fromEntries(
      ['bytes', 'packets', 'errors', 'drops'].flatMap((what) => {
        const name = `${metric}.${INNER[what] ?? what}`;
        return [
          [`${name}{direction=receive}`, named(`${path}.rx_${what}`)],
          [`${name}{direction=transmit}`, named(`${path}.tx_${what}`)],
        ];
      }),
    );
  return {
    covers: everything,
    rows: {
      'guest.cpu.time': [time('libvirt-kvm.cpu.0.time'), time('libvirt-kvm.cpu.total.time')],
      'guest.disk.operations{direction=read}': named('block.{device}.read_reqs'),
      'guest.disk.operations{direction=write}': named('block.{device}.write_reqs'),
      'guest.disk.io': named('block.{device}.{direction}_bytes'),
      'guest.disks.operations{direction=read}': named('block.total.read_reqs'),
      'guest.disks.operations{direction=write}': named('block.total.write_reqs'),
      'guest.disks.io': named('block.total.{direction}_bytes'),
      ...nics('guest.network', 'net.{device}'),
      ...nics('guest.networks', 'net.total'),
      'guest.memory.current': named('memory.nominal'),
      'guest.memory.rss': named('memory.rss'),
    },
  };
};
