/**
 * Who is logged in: sessions in all and of each user.
 *
 * Source  /run/utmp: records of 384 bytes, of which type 7 is a user's (utmp(5); glibc and musl, 64-bit
 *         and most 32-bit systems alike). Where there is none, as distributions without 32-bit times
 *         have it, /run/systemd/sessions: a file of NAME=VALUE per session (systemd-logind).
 * Units   Sessions.
 * Access  World-readable.
 */
import {
  count,
  defineCollector,
  gauge,
  type Host,
  ParseError,
  unlessAbsent,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({
  perUser: z.boolean().default(true).describe('Report the sessions of each user, too.'),
});

const metrics = {
  sessions: gauge('system.users.sessions', { unit: 'count', help: 'Sessions of users.' }),
  users: gauge('system.users.count', { unit: 'count', help: 'Users with a session.' }),
  perUser: gauge('system.users.user.sessions', {
    unit: 'count',
    labels: ['user'],
    help: 'Sessions of one user.',
  }),
};

const RECORD = 384;
const USER_PROCESS = '\x07\0';
const USER = [44, 76] as const;

/** The user of each session, in utmp's order. @param text one character per byte. */
export function parse(text: string): readonly string[] {
  if (text.length % RECORD !== 0) {
    throw new ParseError(`/run/utmp: ${text.length} bytes are no whole number of records`);
  }
  const users: string[] = [];
  for (let at = 0; at < text.length; at += RECORD) {
    if (!text.startsWith(USER_PROCESS, at)) continue;
    const [user = ''] = text.slice(at + USER[0], at + USER[1]).split('\0', 1);
    if (user !== '') users.push(Buffer.from(user, 'latin1').toString());
  }
  return users;
}

/** The user of a session of systemd-logind; `undefined` of one that is no person's, or has ended. */
export function parseSession(text: string): string | undefined {
  const field = (name: string) => new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1];
  if (field('CLASS') !== 'user' || field('STATE') === 'closing') return undefined;
  return field('USER') ?? field('UID');
}

function usersOf({ root }: Host): readonly string[] {
  const utmp = unlessAbsent(() => root.read('run/utmp'));
  if (utmp !== undefined) return parse(utmp);
  // References to a session have names that end in `.ref`.
  const sessions = root.list('run/systemd/sessions').filter((name) => /^c?\d+$/.test(name));
  return sessions.flatMap((name) => sessionIn(root, name) ?? []);
}

/** A session may end between the list and the look at it. */
function sessionIn(root: Host['root'], name: string): string | undefined {
  const text = unlessAbsent(() => root.read(`run/systemd/sessions/${name}`));
  return text === undefined ? undefined : parseSession(text);
}

export default defineCollector({
  name: 'users',
  summary: 'Who is logged in: sessions in all and of each user.',
  source: '/run/utmp, or /run/systemd/sessions',
  enabled: false,
  options,
  metrics,
  *collect({ host, options }) {
    const sessions = new Map<string, number>();
    for (const user of usersOf(host)) sessions.set(user, (sessions.get(user) ?? 0) + 1);
    const all = [...sessions.values()].reduce((sum, number) => sum + number, 0);
    yield metrics.sessions.observe(count(all));
    yield metrics.users.observe(count(sessions.size));
    if (!options.perUser) return;
    for (const [user, number] of sessions) yield metrics.perUser.observe(count(number), { user });
  },
});
