import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { ConfigError, loadConfig } from '../../src/config/index.ts';
import { scratch } from '../support/agent.ts';
import { cullinan } from '../support/program.ts';

/** What zod makes of a configuration; the text of an error, where it is wrong. */
function refusal(path: string): string | undefined {
  try {
    loadConfig({ path, registry, environment: process.env, defaultHandlers: { console: {} } });
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

const file = (parser: string) =>
  `collectors: { logs: { files: [{ path: /x, parser: ${parser} }] } }`;

// The program takes what is right without zod, and has to notice by itself that something is wrong.
test.each([
  file('nosuch'),
  file('{ name: nosuch }'),
  file('./own.ts'),
  file('/there/is/none.ts'),
  file('{ name: postfix, relays: -1 }'),
  file('{ name: regex, rules: [{ match: "(" }] }'),
  'collectors: { logs: { files: [{ path: /x, parser: access }, { path: /x, parser: access }] } }',
  'collectors: { logs: { files: [{ path: relative, parser: access }] } }',
  'collectors: { disk: { devices: { include: ["re:["] } } }',
  'collectors: { process: {} }',
  'collectors: { default: { interval: 1ms } }',
  'handlers: { graphite: { host: h, protocol: udp, tls: {} } }',
  'handlers: { http: { url: "http://h", headers: { "a b": c } } }',
  'handlers: { mqtt: { host: h, password: secret } }',
  'handlers: { statsd: { host: h, size: 1B } }',
  'hostname: { method: shell }',
  'health: { listen: nowhere }',
])('the built program says of %s what zod says', async (yaml) => {
  const path = join(scratch(), 'cullinan.yaml');
  writeFileSync(path, `${yaml}\n`);
  const expected = refusal(path);
  expect(expected).toBeDefined();
  const { code, stderr } = await cullinan(['check', '--config', path]);
  expect(stderr).toBe(`${expected}\n`);
  expect(code).toBe(78);
});
