import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { loadConfig, privateValues, writtenSecrets } from '../../src/config/index.ts';

function loaded(yaml: string) {
  const path = join(mkdtempSync(join(tmpdir(), 'cullinan-private-')), 'cullinan.yaml');
  writeFileSync(path, yaml);
  return loadConfig({
    path,
    registry,
    environment: { BROUGHT: 'brought-in' },
    defaultHandlers: {},
  });
}

test('what nobody else should see is found by its name, in headers and in URLs', () => {
  const config = loaded(`
handlers:
  a: { type: amqp, username: us, password: pass-word }
  b:
    type: http
    url: http://x/write?db=metrics&p=in-query
    headers: { X-Key: in-header, Authorization: Bearer behind-scheme }
  c: { type: http, url: "http://x/", token: "\${BROUGHT}" }
  d: { type: http, url: "http://x/", proxy: "http://me:40%of@y" }
  e: { type: http, url: "http://x/", proxy: "http://me:per%40cent@y" }
`);
  const found = privateValues(config);
  for (const secret of [
    ...['pass-word', 'in-query', 'in-header', 'behind-scheme', 'brought-in'],
    ...['40%of', 'per%40cent', 'per@cent'],
  ]) {
    expect(found).toContain(secret);
  }
  for (const open of ['us', 'metrics', 'http://x/']) expect(found).not.toContain(open);
  expect(writtenSecrets(config)).not.toContain('brought-in');
});

test('what a command is given is found, too', () => {
  const config = loaded(`
handlers:
  a: { type: exec, command: [sh, -c, 'TOKEN=in-shell curl --password "be hind" https://me:in-login@host/ https://me:in@log@host/?to=a@b https://me:sl/ash@host'] }
  b: { type: exec, command: [send, --api-key, as-a-word, --verbose, plain, --token=joined] }
`);
  const found = privateValues(config);
  for (const secret of [
    ...['in-shell', 'be hind', 'in-login', 'in@log', 'sl/ash', 'as-a-word', 'joined'],
  ]) {
    expect(found).toContain(secret);
  }
  for (const open of ['sh', 'plain', '--verbose', 'send', 'in']) expect(found).not.toContain(open);
});

test('a misspelt password is not shown where the configuration is wrong', () => {
  expect(() => loaded('handlers: { graphite: { pasword: open-sesame } }')).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('open-sesame') }),
  );
});
