import { describe, expect, test } from 'vitest';
import { HOSTNAME_METHODS, type HostFacts, hostnameFor } from '../../src/naming/index.ts';

const METHODS = HOSTNAME_METHODS.filter((method) => method !== 'shell');
const web01: HostFacts = { hostname: 'web01', fqdn: 'web01.example.net', uname: 'web01.local' };
const dotted: HostFacts = {
  hostname: 'db.ams.example',
  fqdn: 'localhost',
  uname: 'db.ams.example',
};

describe("Diamond's hostname methods", () => {
  test.each([
    ['smart', 'web01', 'db'],
    ['fqdn_short', 'web01', 'localhost'],
    ['fqdn', 'web01_example_net', 'localhost'],
    ['fqdn_rev', 'net.example.web01', 'localhost'],
    ['uname_short', 'web01', 'db'],
    ['uname_rev', 'local.web01', 'example.ams.db'],
    ['hostname', 'web01', 'db.ams.example'],
    ['hostname_short', 'web01', 'db'],
    ['hostname_rev', 'web01', 'example.ams.db'],
    ['none', '', ''],
  ] as const)('%s', (method, ofWeb01, ofDotted) => {
    expect(hostnameFor(method, web01)).toEqual({ path: ofWeb01 });
    expect(hostnameFor(method, dotted)).toEqual({ path: ofDotted });
  });

  test('a configured name overrides them all, and is taken as it is', () => {
    for (const method of METHODS) {
      expect(hostnameFor(method, web01, 'ams.web-1')).toEqual({ path: 'ams.web-1' });
    }
  });

  test('an empty name is an error that says what to do, unless it is wanted', () => {
    const nameless = { hostname: '', fqdn: '', uname: '' };
    for (const method of METHODS.filter((method) => method !== 'none')) {
      expect(() => hostnameFor(method, nameless)).toThrow(
        /"\w+" gives an empty name .* set "hostname: \{ name: … \}"/,
      );
    }
    expect(hostnameFor('none', nameless)).toEqual({ path: '' });
  });
});
