import { describe, expect, test } from 'vitest';
import { redact } from '../../src/log/index.ts';
import { complaint, type Environment, Folder, load } from './support.ts';

const amqp = (text: string, environment: Environment = {}) => {
  const { handlers, secrets } = load(`handlers:\n  amqp:\n    ${text}\n`, environment);
  return { options: handlers[0]?.options, secrets: [...secrets] };
};

describe('a reference', () => {
  test('to the environment, several in one text', () => {
    const environment = { USER_: 'me', PW: 'hunter22' };
    expect(amqp(`url: amqp://\${USER_}:\${PW}@broker`, environment)).toEqual({
      options: { url: 'amqp://me:hunter22@broker' },
      secrets: ['me', 'hunter22'],
    });
  });

  test('to a file, without its last line break, and to a credential', () => {
    using folder = new Folder({ 'run/pw': ' two words \n', 'run/url': 'amqp://a\r\n' });
    const text = `url: "\${credential:url}"\n    password: "\${file:${folder.path}/run/pw}"`;
    expect(amqp(text, { CREDENTIALS_DIRECTORY: `${folder.path}/run` })).toEqual({
      options: { url: 'amqp://a', password: ' two words ' },
      secrets: ['amqp://a', ' two words '],
    });
  });

  test('that is doubled is no reference', () => {
    expect(load(`labels: { a: "$\${PW}", b: "\${A}$\${" }`, { A: '1' }).labels).toEqual({
      a: `\${PW}`,
      b: `1\${`,
    });
  });

  test('is not looked for in what another brought in', () => {
    expect(load(`labels: { a: "\${A}" }`, { A: `\${B}`, B: 'x' }).labels).toEqual({ a: `\${B}` });
  });

  test('gives a number or a truth value where one is wanted, and text where text is', () => {
    const text = `handlers:\n  graphite:\n    host: \${HOST}\n    port: \${PORT}\n    tags: "\${TAGS}"\n`;
    const [graphite] = load(text, { HOST: '2003', PORT: '2004', TAGS: 'true' }).handlers;
    expect(graphite).toMatchObject({ options: { host: '2003', port: 2004 }, tags: true });
  });

  test('can switch a handler off', () => {
    const text = `handlers: { graphite: { enabled: "\${ON}", host: a }, live: }`;
    expect(load(text, { ON: 'false' }).handlers).toHaveLength(1);
    expect(load(text, { ON: 'true' }).handlers).toHaveLength(2);
  });
});

describe('a secret is never shown', () => {
  const SECRET = 'correct-horse(';
  const options: readonly [string, string][] = [
    ['in a number', `handlers: { graphite: { host: a, port: "\${S}" } }`],
    ['in a duration', `interval: \${S}`],
    ['in a choice', `log: { level: "\${S}" }`],
    ['in a dialect', `handlers: { graphite: { host: a, dialect: "\${S}" } }`],
    ['in a type', `collectors: { x: { type: "\${S}" } }`],
    ['in a part of an expression', `handlers: { live: { only: ["re:\${S}"] } }`],
    ['in a map', `hostname: \${S}`],
    ['in a list', `handlers: { live: { only: "\${S}" } }`],
    ['in a query', `handlers: { amqp: { url: "amqp://a/?token=\${S}", kes: 1 } }`],
  ];
  test.each(options)('%s', (_, text) => {
    const message = complaint(text, { S: SECRET });
    expect(message).toContain(`\${S}`);
    expect(message).not.toContain('correct');
    expect(message).not.toContain('horse');
  });

  const written: readonly [string, string][] = [
    [
      'behind the name of a password',
      'handlers:\n  amqp: { url: "amqp://a", password: hunter2 }\n',
    ],
    ['as a number', 'handlers: { amqp: { url: "amqp://a", pasword: 1, password: 42424 } }\n'],
    ['in quotes', 'handlers: { amqp: { password: "hunter2", urll: 1 } }\n'],
    ['in an address', 'handlers: { amqp: { url: "amqp://me:hunter2@a", kes: 1 } }\n'],
    [
      'in a query',
      'handlers: { http: { url: "http://a/write?db=x&p=hunter2&token=hunter2#x", kes: 1 } }\n',
    ],
    [
      'in a long query',
      `handlers: { amqp: { url: "amqp://a/?token=${'x'.repeat(2000)}hunter2", kes: 1 } }\n`,
    ],
    [
      'in a long address',
      `handlers: { amqp: { url: "amqp://me:${'x'.repeat(2000)}hunter2@a", kes: 1 } }\n`,
    ],
    ['as a tag', 'handlers:\n  amqp:\n    password: !hunter2\n'],
    ['as an alias', 'handlers:\n  amqp:\n    password: *hunter2\n'],
  ];
  test.each(written)('written out %s', (_, text) => {
    const message = complaint(text);
    expect(message).toContain('***');
    expect(message).not.toMatch(/hunter2|42424/);
  });

  test('and can be taken out of any text', () => {
    expect(redact('a:hunter22 and hunter2', new Set(['hunter2', 'hunter22']))).toBe(
      'a:*** and ***',
    );
  });
});
