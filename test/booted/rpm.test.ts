import { afterAll, beforeAll, expect, test } from 'vitest';
import { Booted, eventually } from '../support/booted.ts';
import { anotherRpm, packages } from '../support/packages.ts';
import { describeWithPeer } from '../support/peers.ts';

// rpm knows nothing of what dpkg has installed, so that it can only be told not to ask.
const RPM = ['rpm', '--nodeps'] as const;

describeWithPeer(['nspawn', 'gcc', 'rpm'], 'the rpm, in a system that systemd has booted', () => {
  let box: Booted;
  let before: readonly string[];
  let path: string;
  let newer: string;

  beforeAll(async () => {
    const made = packages();
    const madeToo = made.then(() => anotherRpm('8.0.0'));
    box = await Booted.start();
    // What every rpm system has anyway.
    await box.sh('rpm --initdb');
    before = await box.files();
    path = box.take((await made).rpm);
    newer = box.take(await madeToo);
    await box.run(...RPM, '--install', path);
  });
  afterAll(async () => box?.[Symbol.asyncDispose]());

  test('installing it makes the user and starts the service, enabled', async () => {
    expect(await box.run('systemctl', 'is-enabled', 'cullinan')).toBe('enabled\n');
    expect(await box.run('systemctl', 'is-active', 'cullinan')).toBe('active\n');
    expect(await box.property('StatusText')).toMatch(/^13 collectors, \d+ series/);
    expect(await box.sh('stat -c %U:%a /var/lib/cullinan')).toBe('cullinan:750\n');
  });

  test('rpm finds everything as it was installed', async () => {
    const { out } = await box.try('rpm', '--verify', '--nodeps', 'cullinan');
    expect(out).toBe('');
  });

  test('an upgrade runs the new version, a downgrade the old one; what it keeps stays', async () => {
    const runs = async (version: string) =>
      await eventually(async () => {
        const { version: running } = JSON.parse(await box.run('cullinan', 'status', '--json'));
        expect(running).toBe(version);
      });
    await runs('0.1.0');
    await box.sh('install -o cullinan -m 600 /dev/null /var/lib/cullinan/kept');
    await box.run(...RPM, '--upgrade', newer);
    await runs('8.0.0');
    expect(await box.run('cullinan', '--version')).toContain('8.0.0');
    await box.run(...RPM, '--upgrade', '--oldpackage', path);
    await runs('0.1.0');
    await box.sh('rm /var/lib/cullinan/kept');
  });

  test('installed again, it runs anew, with the configuration as it was changed', async () => {
    const first = await box.property('MainPID');
    const text = `${box.read('/etc/cullinan/cullinan.yaml')}\n# Mine.\n`;
    box.write('/etc/cullinan/cullinan.yaml', text);
    await box.run(...RPM, '--upgrade', '--replacepkgs', path);
    await eventually(async () => expect(await box.property('MainPID')).not.toBe(first));
    expect(await box.run('systemctl', 'is-active', 'cullinan')).toBe('active\n');
    expect(box.read('/etc/cullinan/cullinan.yaml')).toBe(text);
  });

  test('what cannot be loaded by the new one leaves the one before running', async () => {
    const first = await box.property('MainPID');
    box.write('/etc/cullinan/conf.d/wrong.yaml', 'intervall: 1s\n');
    const { err } = await box.try(...RPM, '--upgrade', '--replacepkgs', path);
    expect(err).toContain('cannot load the configuration');
    expect(await box.property('MainPID')).toBe(first);
    await box.sh('rm /etc/cullinan/conf.d/wrong.yaml');
    await box.run('/usr/lib/cullinan/program/activate');
    await eventually(async () => expect(await box.property('MainPID')).not.toBe(first));
  });

  test('erasing it stops it, and leaves what was changed and what waits', async () => {
    await box.run(...RPM, '--erase', 'cullinan');
    expect((await box.try('systemctl', 'is-active', 'cullinan')).out).toBe('inactive\n');
    const left = (await box.files()).filter((file) => !before.includes(file));
    expect(left.filter((file) => !/^\/etc\/(passwd|group|shadow|gshadow)-$/.test(file))).toEqual([
      '/etc/cullinan',
      '/etc/cullinan/cullinan.yaml.rpmsave',
      '/var/lib/cullinan',
    ]);
  });
});
