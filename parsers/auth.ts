/**
 * Who got in and who did not: sshd, sudo, su and PAM.
 *
 * Format  Lines of syslog, as /var/log/auth.log or /var/log/secure have them. What sshd, sudo, su and the
 *         modules of PAM write is no protocol; these are the texts of OpenSSH 9 and Linux-PAM 1.5.
 * Units   Events since the report before.
 */
import {
  count,
  defineParser,
  delta,
  type Line,
  type Metric,
  type Observation,
  z,
} from 'cullinan/plugin';
import { decoded, encoded, indexOfByte, indexOfWord, standsAt } from 'cullinan/wire/bytes';
import { SyslogLine } from 'cullinan/wire/syslog-line';
import { Tally } from 'cullinan/wire/tally';
import { known } from 'cullinan/wire/timestamps';

const options = z.strictObject({
  sources: z
    .int()
    .min(0)
    .max(1000)
    .default(0)
    .describe('How many of the addresses to tell apart that failed logins came from most.'),
});

const amount = (name: string, help: string) => delta(`auth.${name}`, { unit: 'count', help });
const by = <const L extends string>(name: string, label: L, help: string) =>
  delta(`auth.${name}`, { unit: 'count', labels: [label], help });

const metrics = {
  accepted: by('ssh.accepted', 'method', 'Logins over SSH, by method.'),
  failed: by('ssh.failed', 'method', 'Failed attempts to log in over SSH, by method.'),
  sources: by('ssh.sources', 'source', 'Failed attempts to log in over SSH, by address.'),
  invalidUsers: amount('ssh.invalid_users', 'Attempts to log in over SSH as nobody known.'),
  unauthenticated: amount('ssh.unauthenticated', 'Clients of SSH that left before they got in.'),
  malformed: amount('ssh.malformed', 'Clients that did not speak SSH.'),
  pam: by('pam.failures', 'service', 'Failures that PAM saw, by the program that asked.'),
  sudo: amount('sudo.commands', 'Commands run with sudo.'),
  sudoDenied: amount('sudo.denied', 'Commands that sudo refused.'),
  suFailed: amount('su.failed', 'Failed attempts at su.'),
};

const SPACE = 32;
const [
  SSHD,
  SUDO,
  SU,
  ACCEPTED,
  FAILED,
  INVALID,
  PREAUTH,
  BANNER,
  KEX,
  FROM,
  PAM,
  COMMAND,
  INCORRECT,
  NOT_ALLOWED,
  NOT_IN,
  FAILED_SU,
  REPEATED,
] = [
  'sshd',
  'sudo',
  'su',
  'Accepted ',
  'Failed ',
  'Invalid user ',
  ' [preauth]',
  'banner exchange: ',
  'Bad protocol version',
  ' from ',
  'authentication failure;',
  'COMMAND=',
  'incorrect password',
  'command not allowed',
  'NOT in sudoers',
  'FAILED SU',
  'message repeated ',
].map(encoded) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
/** What ends an SSH session that never got in: the user left, or was shown the door. */
const LEFT = ['Connection closed', 'Connection reset', 'Disconnected', 'Disconnecting'].map(
  encoded,
);
/** `message repeated 5 times: [ Failed password …]`, as rsyslog shortens. */
const TIMES = /^message repeated (\d{1,6}) times: \[ /;

export default defineParser({
  name: 'auth',
  summary: 'Logins that succeeded and failed: sshd, sudo, su and PAM.',
  source: 'OpenSSH, sudo, Linux-PAM, as syslog has them',
  options,
  journal: 'syslog',
  metrics: (): readonly Metric[] => Object.values(metrics),
  open({ sources }) {
    const line = new SyslogLine();
    const accepted = new Tally({ limit: 10, longest: 32 });
    const failed = new Tally({ limit: 10, longest: 32 });
    const pam = new Tally({ limit: 50, longest: 32 });
    const source = new Tally({ limit: sources || 1, candidates: sources * 50, longest: 46 });
    const sums = {
      invalidUsers: 0,
      unauthenticated: 0,
      malformed: 0,
      sudo: 0,
      sudoDenied: 0,
      suFailed: 0,
    };

    /** The last ` from ` counts, because the user before it chose his name himself. */
    function countSource(bytes: Uint8Array, at: number, times: number): void {
      let from = -1;
      for (let next = at; next >= 0; ) {
        next = indexOfWord(bytes, FROM, next);
        if (next >= 0) from = next = next + FROM.length;
      }
      if (from >= 0) source.add(bytes, from, indexOfByte(bytes, SPACE, from), times);
    }

    function ssh(bytes: Uint8Array, at: number, times: number): boolean {
      if (standsAt(bytes, FAILED, at)) {
        const method = at + FAILED.length;
        failed.add(bytes, method, indexOfByte(bytes, SPACE, method), times);
        if (sources > 0) countSource(bytes, at, times);
      } else if (standsAt(bytes, ACCEPTED, at)) {
        const method = at + ACCEPTED.length;
        accepted.add(bytes, method, indexOfByte(bytes, SPACE, method), times);
      } else if (standsAt(bytes, INVALID, at)) sums.invalidUsers += times;
      else if (standsAt(bytes, BANNER, at) || standsAt(bytes, KEX, at)) sums.malformed += times;
      else if (
        standsAt(bytes, PREAUTH, bytes.length - PREAUTH.length) &&
        LEFT.some((word) => standsAt(bytes, word, at))
      ) {
        sums.unauthenticated += times;
      } else return false;
      return true;
    }

    function sudo(bytes: Uint8Array, at: number): boolean {
      const denied = [INCORRECT, NOT_ALLOWED, NOT_IN].some(
        (word) => indexOfWord(bytes, word, at) >= 0,
      );
      if (indexOfWord(bytes, COMMAND, at) < 0) return false;
      if (denied) sums.sudoDenied += 1;
      else sums.sudo += 1;
      return true;
    }

    return {
      parse({ bytes }: Line) {
        if (!line.read(bytes)) return false;
        let at = line.message;
        let times = 1;
        if (standsAt(bytes, REPEATED, at)) {
          const repeated = TIMES.exec(decoded(bytes, at, Math.min(bytes.length, at + 64)));
          times = Number(repeated?.[1] ?? 1);
          at += repeated?.[0].length ?? 0;
        }
        if (indexOfWord(bytes, PAM, at) >= 0) {
          pam.add(bytes, line.program, line.programEnd, times);
          return true;
        }
        // `sshd-session` since OpenSSH 9.8.
        if (standsAt(bytes, SSHD, line.program)) return ssh(bytes, at, times);
        const length = line.programEnd - line.program;
        if (length === 4 && standsAt(bytes, SUDO, line.program)) return sudo(bytes, at);
        const isSu = length === 2 && standsAt(bytes, SU, line.program);
        if (!isSu || !standsAt(bytes, FAILED_SU, at)) return false;
        sums.suFailed += times;
        return true;
      },
      timeOf: ({ bytes }: Line, now = Date.now() / 1000) =>
        line.read(bytes) ? known(line.timeOf(bytes, now)) : undefined,
      *report(): Generator<Observation> {
        for (const [method, n] of accepted.take()) {
          yield metrics.accepted.observe(count(n), { method });
        }
        for (const [method, n] of failed.take()) {
          yield metrics.failed.observe(count(n), { method });
        }
        for (const [name, n] of source.take()) {
          yield metrics.sources.observe(count(n), { source: name });
        }
        for (const [service, n] of pam.take()) yield metrics.pam.observe(count(n), { service });
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) {
          yield metrics[name].observe(count(sums[name]));
          sums[name] = 0;
        }
      },
    };
  },
});
