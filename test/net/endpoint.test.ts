import { expect, test } from 'vitest';
import { endpoint, spoken } from '../../src/net/index.ts';

test.each([
  ['carbon', 'carbon', 2003, undefined],
  ['carbon.example.net:2103', 'carbon.example.net', 2103, undefined],
  ['10.0.0.1:2103=a', '10.0.0.1', 2103, 'a'],
  ['10.0.0.1=4d79d135', '10.0.0.1', 2003, '4d79d135'],
  ['::1', '::1', 2003, undefined],
  ['fe80::1%eth0=b', 'fe80::1%eth0', 2003, 'b'],
  ['[::1]', '::1', 2003, undefined],
  ['[2001:db8::7]:2103=b', '2001:db8::7', 2103, 'b'],
])('%s is a host', (text, host, port, instance) => {
  expect(endpoint(text, 2003)).toEqual({ host, port, instance });
});

test.each([
  '',
  'a b',
  'carbon:',
  'carbon:0',
  'carbon:65536',
  'carbon:http',
  'a:1=',
  '[::1',
  ':2003',
  'a:b:c',
])('"%s" is none', (text) => {
  expect(endpoint(text, 2003)).toBeUndefined();
});

test('an IPv6 address is spoken in brackets', () => {
  expect(spoken({ host: '::1', port: 2003 })).toBe('[::1]:2003');
  expect(spoken({ host: 'carbon', port: 2003 })).toBe('carbon:2003');
});
