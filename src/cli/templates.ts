// Generated from the files in templates/ by `npm run generate`. Do not edit.
// biome-ignore-all format: texts as they are
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are texts of programs

export const templates = {
 "collector": {
  "name": "softnet",
  "files": [
   [
    "softnet.ts",
    "/**\n * What each CPU did with packets that came in from the network.\n *\n * Source  /proc/net/softnet_stat: a line per CPU of hexadecimal numbers of 32 bits: packets, dropped, out\n *         of time, …; since Linux 5.10 the 13th says which CPU it is (net/core/net-procfs.c).\n * Units   Packets and times.\n * Access  World-readable.\n */\nimport { count, counter, defineCollector, ParseError, z } from 'cullinan/plugin';\n\nconst FILE = 'net/softnet_stat';\n\nconst options = z.strictObject({\n  cpus: z.int().min(1).max(4096).default(256).describe('CPUs that are observed at most.'),\n});\n\nconst metrics = {\n  packets: counter('softnet.packets', {\n    unit: 'count',\n    labels: ['cpu'],\n    help: 'Packets that the CPU took in.',\n  }),\n  dropped: counter('softnet.dropped', {\n    unit: 'count',\n    labels: ['cpu'],\n    help: 'Packets that it dropped because too many waited.',\n  }),\n  squeezed: counter('softnet.squeezed', {\n    unit: 'count',\n    labels: ['cpu'],\n    help: 'Times it had to stop with packets left to take in.',\n  }),\n};\n\n/** A row for each CPU. */\nexport function parse(text: string) {\n  return text\n    .trimEnd()\n    .split('\\n')\n    .map((line, i) => {\n      const words = line.split(' ');\n      if (words.length < 3 || !words.every((word) => /^[0-9a-f]{8}$/.test(word))) {\n        throw new ParseError(\n          `/proc/${FILE} line ${i + 1}: \"${line.slice(0, 80)}\" is no row of hexadecimal numbers`,\n        );\n      }\n      const [packets = 0, dropped = 0, squeezed = 0] = words.map((word) => Number(`0x${word}`));\n      const cpu = words[12] === undefined ? i : Number(`0x${words[12]}`);\n      return { cpu: String(cpu), packets, dropped, squeezed };\n    });\n}\n\nexport default defineCollector({\n  api: '1.0',\n  name: 'softnet',\n  summary: 'What each CPU did with packets that came in from the network.',\n  source: `/proc/${FILE}`,\n  options,\n  metrics,\n  *collect({ host, options }) {\n    const rows = parse(host.proc.read(FILE));\n    for (const { cpu, packets, dropped, squeezed } of rows.slice(0, options.cpus)) {\n      yield metrics.packets.observe(count(packets), { cpu });\n      yield metrics.dropped.observe(count(dropped), { cpu });\n      yield metrics.squeezed.observe(count(squeezed), { cpu });\n    }\n  },\n});\n"
   ],
   [
    "softnet.test.ts",
    "import { deepEqual, throws } from 'node:assert/strict';\nimport { parse } from './softnet.ts';\n\nexport default {\n  'reads a row for each CPU, in hexadecimal'() {\n    deepEqual(parse('0000002a 00000001 00000000\\n'), [\n      { cpu: '0', packets: 42, dropped: 1, squeezed: 0 },\n    ]);\n  },\n\n  'says which line is wrong'() {\n    throws(() => parse('0000002a 00000001 00000000\\nno number\\n'), /line 2: \"no number\"/);\n  },\n};\n"
   ],
   [
    "softnet.test/web01.txt",
    "# 1795000000\nsoftnet.packets{cpu=\"0\"} 5365057 count counter\nsoftnet.dropped{cpu=\"0\"} 0 count counter\nsoftnet.squeezed{cpu=\"0\"} 9 count counter\nsoftnet.packets{cpu=\"1\"} 5543105 count counter\nsoftnet.dropped{cpu=\"1\"} 2 count counter\nsoftnet.squeezed{cpu=\"1\"} 12 count counter\n# 1795000010\nsoftnet.packets{cpu=\"0\"} 5365257 count counter\nsoftnet.dropped{cpu=\"0\"} 0 count counter\nsoftnet.squeezed{cpu=\"0\"} 9 count counter\nsoftnet.packets{cpu=\"1\"} 5544105 count counter\nsoftnet.dropped{cpu=\"1\"} 7 count counter\nsoftnet.squeezed{cpu=\"1\"} 13 count counter\n"
   ],
   [
    "softnet.test/web01/1795000000/proc/net/softnet_stat",
    "0051dd41 00000000 00000009 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n005494c1 00000002 0000000c 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000\n"
   ],
   [
    "softnet.test/web01/1795000010/proc/net/softnet_stat",
    "0051de09 00000000 00000009 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n005498a9 00000007 0000000d 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000\n"
   ],
   [
    "softnet.test/web01/recording.json",
    "{ \"version\": 1, \"hostname\": \"web01\", \"fqdn\": \"web01.example.net\" }\n"
   ]
  ]
 },
 "handler": {
  "name": "plain",
  "files": [
   [
    "plain.ts",
    "/**\n * Sends points as lines over TCP.\n *\n * Format    `path value time`, a line for each point, as Carbon takes them.\n * Delivery  Nothing is acknowledged: a batch is delivered when the kernel has taken it.\n */\nimport { openTcp } from 'cullinan/net';\nimport { type Batch, defineHandler, port, z } from 'cullinan/plugin';\n\nconst options = z.strictObject({\n  host: z.string().min(1).default('localhost').describe('Where the peer listens.'),\n  port: port.default(2003).describe('Its port.'),\n});\n\n/** A line for each point; as many digits as its dialect wants. */\nexport const encode = (batch: Batch) =>\n  batch\n    .map(({ name, value, time }) => {\n      const digits = name.precision === undefined ? String(value) : value.toFixed(name.precision);\n      return `${name.path} ${digits} ${Math.floor(time)}\\n`;\n    })\n    .join('');\n\nexport default defineHandler({\n  api: '1.0',\n  name: 'plain',\n  summary: 'Sends points as lines over TCP.',\n  options,\n  dialect: 'diamond',\n  counters: 'rates',\n  idempotent: true,\n  acknowledged: false,\n  async open({ options: { host, port }, signal }) {\n    const stream = await openTcp({ host, port, keepalive: 60, peer: 'plain' }, signal);\n    const { ended, close, finish } = stream;\n    return { ended, close, finish, write: (batch) => stream.write(encode(batch)) };\n  },\n});\n"
   ],
   [
    "plain.test.ts",
    "import { equal } from 'node:assert/strict';\nimport { gauge, type Point } from 'cullinan/plugin';\nimport { encode } from './plain.ts';\n\nconst metric = gauge('room.temperature', { unit: 'celsius', help: 'How warm it is.' });\n\nconst point = (value: number, precision?: number): Point => {\n  const series = { id: 0, metric, collector: 'room', host: 'web01', labels: {} };\n  return {\n    name: { series, path: 'servers.web01.room', reading: 'value', precision },\n    value,\n    time: 1795000000,\n  };\n};\n\nexport default {\n  'writes a line for each point'() {\n    equal(\n      encode([point(20.5), point(21)]),\n      'servers.web01.room 20.5 1795000000\\nservers.web01.room 21 1795000000\\n',\n    );\n  },\n\n  'writes as many digits as the dialect wants'() {\n    equal(encode([point(20.5, 2)]), 'servers.web01.room 20.50 1795000000\\n');\n  },\n};\n"
   ]
  ]
 },
 "parser": {
  "name": "sales",
  "files": [
   [
    "sales.ts",
    "/**\n * What was sold.\n *\n * Format  `2026-11-18T10:26:40Z order paid 17.50`: when, what became of an order, and its amount.\n * Units   Orders, and their amounts as they stand, since the report before.\n */\nimport { count, defineParser, delta, type Line, z } from 'cullinan/plugin';\n\nconst options = z.strictObject({\n  least: z.number().min(0).default(0).describe('Orders of a smaller amount are not counted.'),\n});\n\nconst metrics = {\n  orders: delta('sales.orders', { unit: 'count', labels: ['state'], help: 'Orders by state.' }),\n  amounts: delta('sales.amount', {\n    unit: 'count',\n    labels: ['state'],\n    help: 'What they add up to.',\n  }),\n};\n\n// The states are listed: lines must never be able to name series as they like.\nconst LINE = /^\\S+ order (placed|paid|cancelled) (\\d{1,9}\\.\\d\\d)$/;\n\nexport default defineParser({\n  api: '1.0',\n  name: 'sales',\n  summary: 'What was sold.',\n  source: 'the log of a shop',\n  options,\n  metrics: () => Object.values(metrics),\n  open({ least }) {\n    const sums = new Map<string, { orders: number; amount: number }>();\n    return {\n      parse({ text }: Line) {\n        const [, state, digits] = LINE.exec(text) ?? [];\n        if (state === undefined) return false;\n        const amount = Number(digits);\n        if (amount < least) return true;\n        const sum = sums.get(state) ?? { orders: 0, amount: 0 };\n        sums.set(state, { orders: sum.orders + 1, amount: sum.amount + amount });\n        return true;\n      },\n      timeOf({ text }: Line) {\n        const time = Date.parse(text.slice(0, 20)) / 1000;\n        return Number.isNaN(time) ? undefined : time;\n      },\n      *report() {\n        for (const [state, { orders, amount }] of sums) {\n          yield metrics.orders.observe(count(orders), { state });\n          yield metrics.amounts.observe(count(amount), { state });\n        }\n        sums.clear();\n      },\n    };\n  },\n});\n"
   ],
   [
    "sales.test.ts",
    "import { deepEqual, equal } from 'node:assert/strict';\nimport { lineOf } from 'cullinan/plugin';\nimport parser from './sales.ts';\n\nexport default {\n  'leaves out what is smaller than it was told'() {\n    const it = parser.open({ least: 10 });\n    equal(it.parse(lineOf(Buffer.from('2026-11-18T10:26:40Z order paid 9.99'))), true);\n    deepEqual([...it.report(60)], []);\n  },\n\n  'knows no other line'() {\n    equal(parser.open({ least: 0 }).parse(lineOf(Buffer.from('hello'))), false);\n  },\n};\n"
   ],
   [
    "sales.test/sales.log",
    "2026-11-18T10:26:40Z order placed 17.50\n2026-11-18T10:26:44Z order placed 99.00\n2026-11-18T10:26:51Z order paid 17.50\n2026-11-18T10:27:02Z GET /cart 200\n2026-11-18T10:27:09Z order cancelled 99.00\n"
   ],
   [
    "sales.test/sales.txt",
    "# sales with {}\n# 4 of 5 lines, 60 seconds\nsales.orders{state=\"placed\"} 2 count delta\nsales.amount{state=\"placed\"} 116.5 count delta\nsales.orders{state=\"paid\"} 1 count delta\nsales.amount{state=\"paid\"} 17.5 count delta\nsales.orders{state=\"cancelled\"} 1 count delta\nsales.amount{state=\"cancelled\"} 99 count delta\n# no line, 60 seconds\n"
   ]
  ]
 }
} as const;
