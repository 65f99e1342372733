import {
  decodeOtlpAnswer,
  decodeOtlpJsonAnswer,
  decodeOtlpStatus,
  encodeOtlp,
  encodeOtlpJson,
  type OtlpResource,
} from 'cullinan/wire/otlp';
import { ProtobufWriter } from 'cullinan/wire/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readOtlp } from '../support/otlp.ts';
import { describeWithPeer } from '../support/peers.ts';

const load = { name: 'load', description: 'Busy.', unit: '{count}', kind: 'gauge' } as const;
const io = { name: 'disk.io', description: 'Bytes.', unit: 'By', kind: 'cumulative' } as const;
const lines = { name: 'lines', description: 'New ones.', unit: '1', kind: 'delta' } as const;
const [time, start] = [1_795_219_200.25, 1_795_219_190];
const sda = { device: 'sda', none: '' };

const RESOURCES: readonly OtlpResource[] = [
  {
    attributes: { 'host.name': 'web01' },
    points: [
      { metric: load, attributes: {}, value: -0.5, time, start: undefined },
      { metric: io, attributes: sda, value: 4096, time, start },
      { metric: lines, attributes: {}, value: 3, time, start },
      { metric: io, attributes: { device: 'sdb' }, value: 2 ** 53, time, start },
    ],
  },
  {
    attributes: { 'host.name': 'guest' },
    points: [{ metric: load, attributes: {}, value: 1, time, start: undefined }],
  },
];

test('as JSON, a request is grouped by host and metric, with its 64-bit integers as text', () => {
  const value = (text: string) => ({ stringValue: text });
  const timeUnixNano = '1795219200250000000';
  const startTimeUnixNano = '1795219190000000000';
  expect(JSON.parse(encodeOtlpJson(RESOURCES, 'test'))).toEqual({
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'host.name', value: value('web01') }] },
        scopeMetrics: [
          {
            scope: { name: 'test' },
            metrics: [
              {
                name: 'load',
                description: 'Busy.',
                unit: '{count}',
                gauge: { dataPoints: [{ attributes: [], timeUnixNano, asDouble: -0.5 }] },
              },
              {
                name: 'disk.io',
                description: 'Bytes.',
                unit: 'By',
                sum: {
                  dataPoints: ['sda', 'sdb'].map((device) => ({
                    attributes: [{ key: 'device', value: value(device) }],
                    startTimeUnixNano,
                    timeUnixNano,
                    asDouble: device === 'sda' ? 4096 : 2 ** 53,
                  })),
                  aggregationTemporality: 2,
                  isMonotonic: true,
                },
              },
              {
                name: 'lines',
                description: 'New ones.',
                unit: '1',
                sum: {
                  dataPoints: [{ attributes: [], startTimeUnixNano, timeUnixNano, asDouble: 3 }],
                  aggregationTemporality: 1,
                  isMonotonic: true,
                },
              },
            ],
          },
        ],
      },
      expect.objectContaining({
        resource: { attributes: [{ key: 'host.name', value: value('guest') }] },
      }),
    ],
  });
});

describeWithPeer('protoc', 'as protoc reads it', () => {
  test('a request has all its fields', async () => {
    const read = await readOtlp(encodeOtlp(RESOURCES, 'test'));
    const point = (more: string, value: number) => `        data_points {
${more}          time_unix_nano: 1795219200250000000
          as_double: ${value}
`;
    const since = '          start_time_unix_nano: 1795219190000000000\n';
    const disk = (device: string) => `          attributes {
            key: "device"
            value {
              string_value: "${device}"
            }
          }
        }
`;
    const host = (name: string) => `resource_metrics {
  resource {
    attributes {
      key: "host.name"
      value {
        string_value: "${name}"
      }
    }
  }
  scope_metrics {
    scope {
      name: "test"
    }
`;
    const metric = (name: string, description: string, unit: string) => `    metrics {
      name: "${name}"
      description: "${description}"
      unit: "${unit}"
`;
    expect(read).toBe(
      `${host('web01')}${metric('load', 'Busy.', '{count}')}      gauge {
${point('', -0.5)}        }
      }
    }
${metric('disk.io', 'Bytes.', 'By')}      sum {
${point(since, 4096)}${disk('sda')}${point(since, 9007199254740992)}${disk('sdb')}        aggregation_temporality: CUMULATIVE
        is_monotonic: true
      }
    }
${metric('lines', 'New ones.', '1')}      sum {
${point(since, 3)}        }
        aggregation_temporality: DELTA
        is_monotonic: true
      }
    }
  }
}
${host('guest')}${metric('load', 'Busy.', '{count}')}      gauge {
${point('', 1)}        }
      }
    }
  }
}
`,
    );
  });
});

test('an answer says how many points were not taken', () => {
  const partial = new ProtobufWriter().integer(1, 3).text(2, 'too old').finish();
  const answer = new ProtobufWriter().bytes(1, partial).finish();
  const expected = { rejected: 3, message: 'too old' };
  expect(decodeOtlpAnswer(answer)).toEqual(expected);
  expect(decodeOtlpAnswer(Buffer.alloc(0))).toEqual({ rejected: 0, message: '' });
  const json = '{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}}';
  expect(decodeOtlpJsonAnswer(json)).toEqual(expected);
  expect(decodeOtlpJsonAnswer('{}')).toEqual({ rejected: 0, message: '' });
  expect(decodeOtlpJsonAnswer('<html>')).toBeUndefined();
  for (const rejected of ['-1', '"many"', '{}']) {
    const odd = `{"partialSuccess":{"rejectedDataPoints":${rejected}}}`;
    expect(decodeOtlpJsonAnswer(odd)).toBeUndefined();
  }
  const status = new ProtobufWriter().integer(1, 3).text(2, 'bad request').finish();
  expect(decodeOtlpStatus(status)).toBe('bad request');
});

test('whatever is answered, it is an answer or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.json(), (bytes, json) => {
      for (const answer of [
        decodeOtlpAnswer(Buffer.from(bytes)),
        decodeOtlpJsonAnswer(json),
        decodeOtlpJsonAnswer(Buffer.from(bytes).toString()),
        decodeOtlpJsonAnswer(`{"partialSuccess":${json}}`),
      ]) {
        if (answer === undefined) continue;
        expect(answer.rejected).toBeGreaterThanOrEqual(0);
        expect(typeof answer.message).toBe('string');
      }
      decodeOtlpStatus(Buffer.from(bytes));
    }),
  );
});
