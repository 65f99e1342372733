import { duration, port, selection, size, z } from 'cullinan/plugin';
import { describe, expect, test } from 'vitest';
import {
  configJsonSchema,
  describeConfig,
  describeOptions,
  suggest,
} from '../../src/config/index.ts';
import { registry } from './support.ts';

const line = ({
  name,
  type,
  default: text,
  required,
  help,
}: ReturnType<typeof describeOptions>[0]) =>
  `${name} | ${type} | ${required ? 'required' : (text ?? '-')} | ${help}`;

test('options are described from their schema', () => {
  const schema = z.strictObject({
    host: z.string().describe('Where.'),
    port: port.default(2003).describe('Port.'),
    wait: duration().prefault('5s').describe('Wait.'),
    most: size().prefault('1MiB').describe('Most.'),
    tags: z.boolean().default(false).describe('Tags.'),
    mode: z.enum(['a', 'b']).optional().describe('Mode.'),
    keys: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .describe('Keys.'),
    extra: z.record(z.string(), z.int().min(0)).optional().describe('Extra.'),
    devices: selection({ exclude: ['lo'] }).describe('Devices.'),
  });
  expect(describeOptions(schema).map(line)).toEqual([
    'host | text | required | Where.',
    'port | whole number 1–65535 | 2003 | Port.',
    'wait | duration | 5s | Wait.',
    'most | size | 1MiB | Most.',
    'tags | true | false | false | Tags.',
    'mode | a | b | - | Mode.',
    'keys | text or list of text | - | Keys.',
    'extra | map of whole number ≥ 0 | - | Extra.',
    'devices.include | list of text | - | Devices.',
    'devices.exclude | list of text | ["lo"] | Devices.',
  ]);
});

test('every key of the agent, of collectors and of handlers has its type, default and help', async () => {
  const { agent, collector, handler } = describeConfig();
  const all = [...agent, ...collector, ...handler];
  expect(all.filter(({ help }) => help === '')).toEqual([]);
  const text = [agent, collector, handler].map((each) => each.map(line).join('\n')).join('\n\n');
  await expect(`${text}\n`).toMatchFileSnapshot('../golden/config/keys.txt');
});

test('the JSON Schema knows each plugin by name, and any other instance by its type', () => {
  const schema = configJsonSchema(registry);
  expect(schema).toMatchObject({
    properties: {
      interval: { default: '10s' },
      collectors: {
        properties: {
          default: { properties: { interval: { type: 'string' } } },
          cpu: { properties: { percore: { default: true }, timeout: {} } },
        },
      },
      handlers: {
        properties: { graphite: { properties: { port: { maximum: 65535 }, batch: {} } } },
        additionalProperties: { required: ['type'] },
      },
    },
  });
  expect(() => JSON.stringify(schema)).not.toThrow();
});

describe('a suggestion', () => {
  test.each([
    ['intervall', 'interval'],
    ['Interval', 'interval'],
    ['tiemout', 'timeout'],
    ['xyz', undefined],
    ['', undefined],
    ['interval'.repeat(1000), undefined],
  ])('for "%.20s" is %s', (typed, meant) => {
    expect(suggest(typed, ['timeout', 'interval', 'type'])).toBe(meant);
  });
});
