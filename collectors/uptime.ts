/**
 * How long the host has been up, and when it was booted.
 *
 * Source  /proc/uptime: seconds up, and idle seconds of all CPUs (Linux, fs/proc/uptime.c);
 *         `btime` in /proc/stat (fs/proc/stat.c).
 * Units   Seconds with time suspended included; boot in seconds since the Unix epoch. The kernel
 *         derives `btime` from the wall clock, so it moves when somebody sets the clock.
 * Access  World-readable.
 */
import { columns, defineCollector, gauge, NoData, ParseError, seconds, z } from 'cullinan/plugin';

const options = z.strictObject({});

const metrics = {
  uptime: gauge('system.uptime', { unit: 'seconds', help: 'Time since boot.' }),
  boot: gauge('system.boot_time', { unit: 'seconds', help: 'Unix time of the boot.' }),
};

const UPTIME = /^(\d{1,15}\.\d{1,9}) \d+\.\d+\s*$/;
const readBtime = columns(['btime']);

/** Seconds since boot, from /proc/uptime. */
export function parse(text: string): number {
  const match = UPTIME.exec(text);
  if (match === null) {
    throw new ParseError(`/proc/uptime line 1: "${text.slice(0, 80).trimEnd()}" is not "UP IDLE"`);
  }
  return Number(match[1]);
}

/** The Unix time of boot from /proc/stat; `undefined` where there is none, as in some sandboxes. */
export function parseBoot(text: string): number | undefined {
  const at = text.indexOf('\nbtime ');
  if (at < 0) return undefined;
  try {
    return readBtime(text, at + '\nbtime '.length).btime;
  } catch (cause) {
    const line = text.slice(0, at + 1).split('\n').length;
    throw new ParseError(`/proc/stat line ${line}: ${(cause as Error).message}`, { cause });
  }
}

export default defineCollector({
  name: 'uptime',
  summary: 'How long the host has been up, and when it was booted.',
  source: '/proc/uptime, /proc/stat',
  options,
  metrics,
  *collect({ host }) {
    yield metrics.uptime.observe(seconds(parse(host.proc.read('uptime'))));
    try {
      const boot = parseBoot(host.proc.read('stat'));
      if (boot !== undefined) yield metrics.boot.observe(seconds(boot));
    } catch (error) {
      if (error instanceof Error && !(error instanceof NoData)) yield error;
    }
  },
});
