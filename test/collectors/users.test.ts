import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import users, { parse, parseSession } from '../../collectors/users.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(users);

const record = (type: number, user: string) => {
  const bytes = Buffer.alloc(384);
  bytes.writeInt16LE(type);
  bytes.write(user, 44);
  return bytes.toString('latin1');
};

test('only processes of users are sessions', () => {
  const utmp = record(2, 'reboot') + record(7, 'zoë') + record(8, 'bob') + record(7, '');
  expect(parse(utmp)).toEqual(['zoë']);
});

test('half a record is none', () => {
  expect(() => parse(record(7, 'a').slice(1))).toThrow(
    new ParseError('/run/utmp: 383 bytes are no whole number of records'),
  );
});

test('nobody is logged in', async () => {
  const run = await collecting(users)(0, { host: hostWith({ 'root/run/utmp': '' }) });
  expect(text(run)).toBe(
    'system.users.sessions{} 0 count gauge\nsystem.users.count{} 0 count gauge\n',
  );
});

test('each user is told of, unless nobody wants to know', async () => {
  const host = hostWith({
    'root/run/utmp': record(7, 'zoe') + record(7, 'bob') + record(7, 'zoe'),
  });
  const all = 'system.users.sessions{} 3 count gauge\nsystem.users.count{} 2 count gauge\n';
  expect(text(await collecting(users)(0, { host, options: { perUser: false } }))).toBe(all);
  expect(text(await collecting(users)(0, { host }))).toBe(
    `${all}system.users.user.sessions{user="zoe"} 2 count gauge\nsystem.users.user.sessions{user="bob"} 1 count gauge\n`,
  );
});

test.each([
  ['UID=7\nUSER=alice\nSTATE=online\nCLASS=user\n', 'alice'],
  ['UID=7\nSTATE=online\nCLASS=user\n', '7'],
  ['UID=7\nUSER=gdm\nSTATE=online\nCLASS=greeter\n', undefined],
  ['UID=7\nUSER=alice\nSTATE=closing\nCLASS=user\n', undefined],
])('a session of systemd-logind: %j is one of %s', (session, user) => {
  expect(parseSession(session)).toBe(user);
});

test('without utmp, users are those of the sessions of systemd-logind', async () => {
  const session = (user: string) => `UID=7\nUSER=${user}\nSTATE=online\nCLASS=user\n`;
  const files = { 1: session('zoe'), c2: session('bob'), '1.ref': session('zoe') };
  const host = hostWith(
    Object.fromEntries(
      Object.entries(files).map(([name, text]) => [`root/run/systemd/sessions/${name}`, text]),
    ),
  );
  expect(text(await collecting(users)(0, { host, options: { perUser: false } }))).toBe(
    'system.users.sessions{} 2 count gauge\nsystem.users.count{} 2 count gauge\n',
  );
});
