import { chmodSync, chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { socketDenied } from '../../src/libvirt/access.ts';

/** A file that stands for a socket with this group and mode. */
function socket(gid: number, mode: number): string {
  const path = join(mkdtempSync(join(tmpdir(), 'access-')), 'libvirt-sock-ro');
  writeFileSync(path, '');
  chownSync(path, -1, gid);
  chmodSync(path, mode);
  return path;
}

describe.runIf(process.getuid?.() === 0)('whoever may not connect is told', () => {
  test('which group may', () => {
    expect(socketDenied(socket(1, 0o770)).message).toMatch(
      /Only members of the group daemon may: usermod -aG daemon \w+, and restart the agent$/,
    );
  });

  test.each<[string, number, number]>([
    ['root’s, which is as good as being root', 0, 0o770],
    ['one that may not write', 1, 0o750],
    ['none', 0, 0o700],
  ])('what to set, where the socket’s group is %s', (_, gid, mode) => {
    const { message } = socketDenied(socket(gid, mode));
    expect(message).toContain('unix_sock_group = "libvirt" and unix_sock_ro_perms = "0770"');
    expect(message).toMatch(/usermod -aG libvirt \w+, and restart the agent$/);
  });
});
