import { expect, test } from 'vitest';
import { listenAddress } from '../../src/config/schema.ts';

test.each([
  ['9111', '127.0.0.1', 9111],
  ['0.0.0.0:9111', '0.0.0.0', 9111],
  ['[::]:80', '::', 80],
  ['web01.example.net:65535', 'web01.example.net', 65_535],
])('%s is an address', (text, host, port) => expect(listenAddress(text)).toEqual({ host, port }));

test.each(['', '0', '65536', ':80', '127.0.0.1', '::1:80', 'a b:80', 'http://x:80', '[::1]'])(
  '%j is none',
  (text) => expect(listenAddress(text)).toBeUndefined(),
);
