import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { hostname as systemHostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { hostsFile } from '../../src/host/facts.ts';
import { hostFacts, hostnameByShell } from '../../src/host/index.ts';
import { hostnameFor } from '../../src/naming/index.ts';
import { runs } from '../support/processes.ts';

describe('what /etc/hosts knows', () => {
  const hosts =
    '# 192.0.2.9 web01\n127.0.0.1 localhost\n127.0.1.1 web01.example.net web01 # x\n192.0.2.1 two\n192.0.2.2 two\n';
  const files = hostsFile(hosts, 'passwd: files\nhosts:  files dns\n');

  test('is the address of a name and the first name of an address', () => {
    expect(files.address('web01')).toBe('127.0.1.1');
    expect(files.name('127.0.1.1')).toBe('web01.example.net');
  });

  test('is nothing where the system would have to choose, or does not know it', () => {
    expect(files.address('two')).toBeUndefined();
    expect(files.address('x')).toBeUndefined();
    expect(files.name('192.0.2.9')).toBeUndefined();
  });

  test.each(['hosts: mdns4 files dns', 'hosts: dns files', 'passwd: files', ''])(
    'is not asked where it is not asked first: %s',
    (order) => {
      expect(hostsFile(hosts, order).address('web01')).toBeUndefined();
      expect(hostsFile(hosts, order).name('127.0.1.1')).toBeUndefined();
    },
  );
});

describe('the full name of a host', () => {
  const resolver = (address: string, name: string, hosts = '') => ({
    address: async () => address,
    name: async () => name,
    hosts: () => hosts,
  });
  const refuse = async (): Promise<never> => {
    throw Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
  };

  test.each([
    ['the name that belongs to its address', resolver('192.0.2.1', 'web01.example.net')],
    [
      'the first alias with a dot',
      resolver(
        '127.0.1.1',
        'web01',
        '127.0.0.1 localhost web01.localdomain\n127.0.1.1\tweb01 www web01.example.net x.y # z.z\n',
      ),
    ],
  ])('is %s', async (_, given) => {
    expect(await hostFacts({ hostname: 'web01', resolver: given })).toEqual({
      hostname: 'web01',
      fqdn: 'web01.example.net',
      uname: 'web01',
    });
  });

  test('is the name of the address where no name has a dot, as in Python', async () => {
    const hosts = '# 127.0.0.1 x.y\n\n127.0.0.1 localhost web01\n';
    const facts = await hostFacts({
      hostname: 'web01',
      resolver: resolver('127.0.0.1', 'localhost', hosts),
    });
    expect(facts.fqdn).toBe('localhost');
    expect(hostnameFor('smart', facts)).toEqual({ path: 'web01' });
  });

  test.each([
    ['address', { ...resolver('', ''), address: refuse }],
    ['name', { ...resolver('192.0.2.1', ''), name: refuse }],
  ])('is the hostname where there is no %s, and says so', async (_, given) => {
    expect(await hostFacts({ hostname: 'web01', resolver: given })).toEqual({
      hostname: 'web01',
      fqdn: 'web01',
      uname: 'web01',
      problem: 'the full name of web01 is not known here (ENOTFOUND); "web01" is used for it',
    });
  });

  test('is the hostname when the name server does not answer in time', async () => {
    const silent = { ...resolver('', ''), address: () => new Promise<string>(() => {}) };
    expect(await hostFacts({ hostname: 'web01', resolver: silent, deadline: 0.01 })).toMatchObject({
      fqdn: 'web01',
      problem: 'the full name of web01 was not found within 0.01 s; "web01" is used for it',
    });
  });

  test('is found on this host', async () => {
    const facts = await hostFacts();
    expect(facts.hostname).toBe(systemHostname());
    expect(facts.fqdn).not.toBe('');
  });
});

describe('the hostname method shell', () => {
  test.each([
    ['echo web01', 'web01'],
    ['printf "  web01.x \\nsecond"', 'web01.x'],
    ['echo wéb', 'wéb'],
    ['echo warning >&2; echo web01', 'web01'],
  ])('takes the first line: %s', async (command, path) => {
    expect(await hostnameByShell(command)).toEqual({ path });
  });

  test.each([
    ['echo no such role >&2; exit 3', 'failed (exit 3) and said: no such role'],
    ['kill -9 $$', 'failed (killed)'],
    ['true', 'printed an empty first line'],
    ['echo; echo web01', 'printed an empty first line'],
  ])('rejects what gives no name: %s', async (command, message) => {
    const rejected = expect(hostnameByShell(command)).rejects;
    await rejected.toThrow(message);
    await expect(hostnameByShell(command)).rejects.toThrow('choose another hostname method');
  });

  test('kills a command that does not end, and what it started', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cullinan-hostname-'));
    const command = `sleep 600 & echo $! > ${directory}/pid; wait`;
    await expect(hostnameByShell(command, { deadline: 0.3 })).rejects.toThrow(
      'did not end within 0.3 s',
    );
    const pid = readFileSync(join(directory, 'pid'), 'utf8').trim();
    while (runs(pid)) await sleep(2);
    rmSync(directory, { recursive: true });
  });
});
