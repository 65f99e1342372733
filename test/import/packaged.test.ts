import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeWithPeer } from '../support/peers.ts';
import { imported, importing, loaded, withFile } from './support.ts';

const COLLECTD = '/usr/share/doc/collectd-core/examples/collectd.conf';

/** Collectors that took the place of its plugins, beside those of the host itself. */
const OBSERVED = [
  ...['apache', 'batteries', 'cgroups', 'chrony', 'conntrack', 'exec', 'files', 'interrupts'],
  ...['logs', 'mdstat', 'nfs', 'nginx', 'ntpd', 'ping', 'push', 'push-2', 'redis', 'sensors'],
  ...['smart', 'thermal', 'users'],
];

/** Everything that is commented out in it, in force: each documented option. */
const uncommented = (text: string): string =>
  closed(text.replace(/^#(?=[<A-Z\t]| {2,}(?:<[^>]*>$|[A-Z]\w+ (?:"|\d|true|false)))/gm, ''));

/** Some of its blocks are closed by another name, or opened again in place of being closed. */
function closed(text: string): string {
  const open: string[] = [];
  const lines = text.split('\n').map((line) => {
    const [, slash, name = '', rest] = /^\s*<(\/?)(\w+)([^>]*)>/.exec(line) ?? [];
    if (name === '') return line;
    if (slash === '/' || (rest === '' && open.at(-1) === name)) return `</${open.pop()}>`;
    open.push(name);
    return line;
  });
  return lines.join('\n');
}

describeWithPeer('collectd', 'the configuration that Debian brings with collectd', () => {
  test('is moved over, and each of its lines is answered for', async () => {
    const result = await imported('collectd', COLLECTD);
    expect(result.lines).toBeGreaterThan(20);
    loaded(result);
  });

  test('with every option that it names, too', async () => {
    const text = uncommented(readFileSync(COLLECTD, 'utf8'));
    const read = await importing('collectd');
    const result = withFile('collectd.conf', text, (path) => read(path));
    expect(result.lines).toBeGreaterThan(800);
    const made = new Set(loaded(result).collectors.map(({ instance }) => instance));
    for (const plugin of OBSERVED) expect([plugin, made.has(plugin)]).toEqual([plugin, true]);
  });
});

describeWithPeer('gmond', 'the configuration that Debian brings with gmond', () => {
  test('is moved over', async () => {
    const result = await imported('gmond', '/etc/ganglia/gmond.conf');
    expect(loaded(result).handlers.map(({ instance }) => instance)).toEqual(['ganglia']);
  });
});
