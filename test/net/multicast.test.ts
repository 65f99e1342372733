import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { isMulticast, joinGroup, openUdp } from '../../src/net/index.ts';

const GROUP = '239.255.86.50';

/** A datagram at this port is of this file alone: members of a group hear whoever sends to its port. */
const PORT = 20_000 + (process.pid % 12_000);

const member = async (received: string[], device: string, host = GROUP) => {
  const { signal } = new AbortController();
  const options = { host, port: PORT, interface: device };
  const heard = (bytes: Buffer) => received.push(bytes.toString());
  const membership = await joinGroup({ ...options, received: heard }, signal);
  onTestFinished(() => membership.close());
  return membership;
};

const write = async (device: string, text: string) => {
  const { signal } = new AbortController();
  const stream = await openUdp({ host: GROUP, port: PORT, ttl: 1, interface: device }, signal);
  await stream.write([Buffer.from(text)]);
  await stream.close();
};

test.each([['127.0.0.1'], ['lo']])('a group hears what is sent to it on %s', async (device) => {
  const [one, other]: [string[], string[]] = [[], []];
  await member(one, device);
  const leaver = await member(other, device);
  await write(device, 'first');
  await vi.waitFor(() => expect([one, other]).toEqual([['first'], ['first']]));
  leaver.close();
  await write(device, 'second');
  await vi.waitFor(() => expect(one).toEqual(['first', 'second']));
  expect(other).toEqual(['first']);
});

describe('it is said what is wrong', () => {
  test('with an address that is no group', async () => {
    await expect(member([], 'lo', '192.0.2.1')).rejects.toThrow(
      `192.0.2.1:${PORT}: 192.0.2.1 is no address of a multicast group`,
    );
    expect(['223.0.0.1', '240.0.0.1', 'fe80::1', 'ff.example'].filter(isMulticast)).toEqual([]);
    expect(['224.0.0.1', '239.2.11.71', 'ff02::1'].filter(isMulticast)).toHaveLength(3);
  });

  test('with an interface that is not there', async () => {
    for (const attempt of [member([], '192.0.2.1'), write('nope9', '')]) {
      await expect(attempt).rejects.toThrow(/this host has no interface (192\.0\.2\.1|nope9) that/);
    }
  });
});
