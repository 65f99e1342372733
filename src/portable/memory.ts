import { library, type Reading, type Source } from './source.ts';

/** Where the library asks for swap; elsewhere its 0 means that nobody asked. */
const SWAP_IS_KNOWN: ReadonlySet<string> = new Set(['linux', 'darwin', 'win32', 'android']);

export const memory: Source<unknown> = {
  asks: 'systeminformation’s mem()',
  open: () => async () => {
    const now = await (await library()).mem();
    // Only Linux tells its caches apart; elsewhere they are one number, and what is in it differs.
    const parts: readonly (readonly [state: string, size: number])[] =
      now.buffers + now.cached > 0
        ? [
            ['free', now.free],
            ['buffered', now.buffers],
            ['cached', now.cached],
            ['slab_reclaimable', now.reclaimable],
          ]
        : [
            ['free', now.free],
            ['cached', Math.max(0, now.buffcache)],
          ];
    const used = parts.reduce((rest, [, size]) => rest - size, now.total);
    const readings: Reading[] = [
      ['system.memory.limit', now.total],
      ['system.linux.memory.available', now.available],
    ];
    for (const [state, size] of [['used', used] as const, ...parts]) {
      if (size >= 0) readings.push(['system.memory.usage', size, { state }]);
    }
    if (now.available <= now.total && now.total > 0) {
      readings.push(['system.memory.utilization', 1 - now.available / now.total]);
    }
    const fields: [string, number][] = [
      ['MemTotal', now.total],
      ['MemFree', now.free],
      ['MemAvailable', now.available],
    ];
    if (SWAP_IS_KNOWN.has(process.platform)) {
      readings.push(
        ['system.paging.limit', now.swaptotal],
        ['system.paging.usage', now.swapfree, { state: 'free' }],
        ['system.paging.usage', now.swapused, { state: 'used' }],
      );
      if (now.swaptotal > 0) {
        readings.push(['system.paging.utilization', now.swapused / now.swaptotal]);
      }
      fields.push(['SwapTotal', now.swaptotal], ['SwapFree', now.swapfree]);
    }
    for (const [field, size] of fields) readings.push(['system.memory.meminfo', size, { field }]);
    return readings;
  },
};
