import type { Systeminformation } from 'systeminformation';
import type { Chosen } from '../plugin/index.ts';
import { library, type Reading, type Source, seldom } from './source.ts';

/** Interfaces are looked for at every so many collections: it takes a child process or more for each. */
const LOOK_AGAIN = 30;
const MEGABIT = 1e6 / 8;

interface Link {
  readonly device: string;
  /** Bytes per second. */
  readonly speed: number | undefined;
  readonly duplex: number | undefined;
}

async function links(): Promise<readonly Link[]> {
  const si = await library();
  const found = await si.networkInterfaces();
  return (Array.isArray(found) ? found : [found]).map(({ iface, speed, duplex }) => ({
    device: iface,
    speed: speed !== null && speed > 0 ? speed * MEGABIT : undefined,
    duplex: duplex === 'full' ? 1 : duplex === 'half' ? 0 : undefined,
  }));
}

export const network: Source<{ readonly interfaces: Chosen }> = {
  asks: 'systeminformation’s networkStats(); networkInterfaces() at every 30th collection',
  open: () => {
    const known = seldom(LOOK_AGAIN, links);
    return async ({ options }) => {
      const si = await library();
      const chosen = (await known()).filter(({ device }) => options.interfaces(device));
      const readings: Reading[] = [];
      // Asked one by one: an interface that is named after nothing it knows would spoil a list.
      const answers = await Promise.all(chosen.map(({ device }) => si.networkStats(device)));
      for (const [i, [stats]] of answers.entries()) {
        const link = chosen[i];
        if (link !== undefined && stats !== undefined) observe(link, stats, readings);
      }
      return readings;
    };
  },
};

function observe(
  { device, speed, duplex }: Link,
  now: Systeminformation.NetworkStatsData,
  into: Reading[],
): void {
  // Where it cannot tell, it says 0 to everything.
  if (now.operstate === 'unknown' && now.rx_bytes + now.tx_bytes === 0) return;
  const of = { device };
  const receive = { device, direction: 'receive' };
  const transmit = { device, direction: 'transmit' };
  const up = now.operstate === 'up' || now.operstate === 'unknown';
  into.push(
    ['system.network.io', now.rx_bytes, receive],
    ['system.network.io', now.tx_bytes, transmit],
    ['system.network.errors', now.rx_errors, receive],
    ['system.network.errors', now.tx_errors, transmit],
    ['system.network.dropped', now.rx_dropped, receive],
    ['system.network.dropped', now.tx_dropped, transmit],
    ['system.network.up', up ? 1 : 0, of],
  );
  if (speed !== undefined) into.push(['system.network.speed', speed, of]);
  if (duplex !== undefined) into.push(['system.network.full_duplex', duplex, of]);
}
