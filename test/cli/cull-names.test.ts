import { expect, test } from 'vitest';
import { toldApart } from '../../src/cli/cull-names.ts';

test.each<readonly [readonly string[], readonly string[]]>([
  [
    ['/a/mail.log', '/a/other'],
    ['mail', 'other'],
  ],
  [
    ['/a/mail.log', '/b/mail.log'],
    ['a_mail', 'b_mail'],
  ],
  [
    ['/a/mail.log', '/b/c/mail.log', '/a/other'],
    ['a_mail', 'c_mail', 'a_other'],
  ],
  [
    ['/a/mail', '/a/mail.log'],
    ['_a_mail', '_a_mail_log'],
  ],
  [
    ['journal:unit=ssh', '/a/ssh.log'],
    ['ssh', 'a_ssh'],
  ],
  [
    ['journal:unit=ssh', 'journal:identifier=ssh'],
    [
      expect.stringMatching(/^journal:unit_ssh-[0-9a-f]{8}$/),
      expect.stringMatching(/^journal:identifier_ssh-[0-9a-f]{8}$/),
    ],
  ],
])('%j have names of their own', (logs, names) => {
  expect([...toldApart(logs)]).toEqual(logs.map((log, i) => [log, names[i]]));
});
