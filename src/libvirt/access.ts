import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { AccessDenied, codeOf } from '../plugin/index.ts';
import { LibvirtError } from './channel.ts';

/** Numbers of `virErrorNumber` with which libvirt says that we may not. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [45, 'polkit does not let'],
  [79, 'polkit does not let'],
  [88, 'libvirt does not let'],
  [94, 'polkit would ask a person before it lets'],
]);
const RPC = 39;
/** The bit of a file's mode with which its group may write it, and so connect to a socket. */
const GROUP_WRITES = 0o020;
/** What packages call the group of libvirt's sockets. */
const LIBVIRT = 'libvirt';

/** Who the agent is, as the system calls it. */
function me(): string {
  try {
    return userInfo().username;
  } catch {
    return `the user ${process.getuid?.() ?? ''}`.trim();
  }
}

/** The group whose members may write a file, by its name where it has one; `undefined` where it has none but root's. */
function writersOf(path: string): string | undefined {
  try {
    const { gid, mode } = statSync(path);
    if (gid === 0 || (mode & GROUP_WRITES) === 0) return undefined;
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((line) => line.split(':')[2] === String(gid));
    return line?.split(':')[0] ?? String(gid);
  } catch {
    return LIBVIRT;
  }
}

/** A socket that may not be opened: says which group opens it, or how one is made to. */
export function socketDenied(path: string): AccessDenied {
  const group = writersOf(path);
  const user = me();
  const remedy =
    group === undefined
      ? `Only root may: set unix_sock_group = "${LIBVIRT}" and unix_sock_ro_perms = "0770" in libvirtd.conf or virtqemud.conf, restart the daemon, usermod -aG ${LIBVIRT} ${user}`
      : `Only members of the group ${group} may: usermod -aG ${group} ${user}`;
  return new AccessDenied(
    `${path}: the user ${user} may not connect to it. ${remedy}, and restart the agent`,
  );
}

/** What polkit is asked about, by which socket it is. */
const actionOf = (where: string): string =>
  where.endsWith('-ro') ? 'org.libvirt.unix.monitor' : 'org.libvirt.unix.manage';

/** An error of the first calls in words that say what to do, where it is that we may not; any other as it is. */
export function explain(error: unknown, where: string): unknown {
  if (!(error instanceof LibvirtError)) return error;
  const asked = error.code === RPC && /auth/i.test(error.message);
  const refusal = REFUSALS.get(error.code) ?? (asked ? 'libvirt does not let' : undefined);
  if (refusal === undefined) return error;
  const user = me();
  const action = actionOf(where);
  return new AccessDenied(
    `${error.message}. That is: ${refusal} ${user} in. Add a rule to /etc/polkit-1/rules.d/50-cullinan.rules: ` +
      `polkit.addRule(function(action, subject) { if (action.id == '${action}' && subject.user == '${user}') return polkit.Result.YES; });`,
    { cause: error },
  );
}

/** Whether a socket is not there at all. */
export const isAbsent = (error: unknown): boolean => codeOf(error) === 'ENOENT';

/** Whether the agent's user may not connect. */
export const isDenied = (error: unknown): boolean =>
  codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM';
