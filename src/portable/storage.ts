import { type Chosen, NoData } from '../plugin/index.ts';
import { library, type Reading, type Source } from './source.ts';

/** A view of filesystems that are reported themselves, unless it is all that can be seen: at `/`. */
const VIEWS: ReadonlySet<string> = new Set(['overlay', 'overlayfs', 'aufs', 'nullfs']);

export const filesystem: Source<{ readonly types: Chosen; readonly mountpoints: Chosen }> = {
  asks: 'systeminformation’s fsSize()',
  open:
    () =>
    async ({ options }) => {
      const readings: Reading[] = [];
      const devices = new Set<string>();
      for (const { fs, type: spelled, size, used, available, mount } of await (
        await library()
      ).fsSize()) {
        const type = spelled.toLowerCase();
        if (!options.types(type) || !options.mountpoints(mount) || size <= 0) continue;
        if (VIEWS.has(type) && mount !== '/') continue;
        // A device that is mounted twice is one filesystem; what is no device has a name of no meaning.
        if (fs.startsWith('/') && devices.has(fs)) continue;
        devices.add(fs);
        const where = { device: fs, mountpoint: mount, type, volume: '' };
        readings.push(
          ['system.filesystem.usage', used, { ...where, state: 'used' }],
          ['system.filesystem.usage', available, { ...where, state: 'free' }],
          ['system.filesystem.limit', size, where],
          ['system.filesystem.utilization', used / size, where],
        );
        // Volumes of APFS share their container, whose size each of them gives for its own: what is
        // neither used nor free belongs to the others, and is no reserve.
        const rest = size - used - available;
        if (type === 'apfs' || rest < 0) continue;
        readings.push(
          ['system.filesystem.usage', rest, { ...where, state: 'reserved' }],
          ['system.filesystem.unused', size - used, where],
        );
      }
      if (readings.length === 0) throw new NoData('this system does not tell its filesystems');
      return readings;
    },
};

/** No single disks: the library adds them up. */
const ALL = { device: 'all' };

export const disk: Source<unknown> = {
  asks: 'systeminformation’s disksIO() and fsStats(): all disks together',
  open:
    () =>
    async ({ since }) => {
      const si = await library();
      const io = await si.disksIO();
      // Where it cannot tell, it says 0 or nothing at all; no disk has read nothing since boot.
      if (io === null || !(io.rIO > 0)) throw new NoData('this system does not tell disk I/O');
      const bytes = await si.fsStats();
      const read = { ...ALL, direction: 'read' };
      const write = { ...ALL, direction: 'write' };
      const readings: Reading[] = [
        ['system.disk.operations', io.rIO, read],
        ['system.disk.operations', io.wIO, write],
      ];
      if (io.rWaitTime + io.wWaitTime > 0) {
        readings.push(
          ['system.disk.operation_time', io.rWaitTime / 1000, read],
          ['system.disk.operation_time', io.wWaitTime / 1000, write],
        );
      }
      if (bytes !== null && bytes.rx > 0) {
        readings.push(['system.disk.io', bytes.rx, read], ['system.disk.io', bytes.wx, write]);
      }
      const grown = since('all', { reads: io.rIO, writes: io.wIO }, ['reads', 'writes']);
      if (grown) readings.push(['system.disk.requests', grown.reads + grown.writes, ALL]);
      return readings;
    },
};
