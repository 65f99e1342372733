import { z } from '../plugin/index.ts';

const flag = (value: boolean, help: string) => z.boolean().default(value).describe(help);

/** One word, or several, which are joined by a colon. */
const words = <const W extends readonly [string, ...string[]]>(all: W) => {
  const one = z.enum(all);
  return z.union([one.transform((word) => [word]), z.array(one)]);
};

const virt = z
  .strictObject({
    hostnameFormat: words(['name', 'uuid', 'hostname', 'metadata'])
      .prefault('name')
      .describe(
        'HostnameFormat: what stands where else the host does. The words are the labels domain, uuid and instance, where the collector libvirt adds them, else what it calls the guest.',
      ),
    pluginInstanceFormat: words(['name', 'uuid', 'metadata'])
      .prefault([])
      .describe('PluginInstanceFormat: the instance of the plugin; none of it is `[]`.'),
    blockDeviceFormatBasename: flag(
      false,
      'BlockDeviceFormatBasename: the last part of the path, where the collector has diskName: source.',
    ),
    extraStats: z
      .array(
        z.enum([
          ...(['cpu_util', 'disk', 'domain_state', 'memory', 'pcpu', 'perf', 'vcpu'] as const),
          ...(['disk_allocation', 'disk_capacity', 'disk_physical'] as const),
        ]),
      )
      .default([])
      .describe('ExtraStats: what is sent besides CPU time, memory, disks and interfaces.'),
  })
  .refine(
    ({ hostnameFormat, pluginInstanceFormat }) =>
      [...hostnameFormat, ...pluginInstanceFormat].some((word) => word !== 'hostname'),
    'must name the guest in hostnameFormat or in pluginInstanceFormat, or all guests would be one',
  );

/**
 * The options of collectd that change a name or a value, with collectd's defaults: those of its
 * write_graphite plugin first, then those of each plugin that observes.
 */
export const options = z.strictObject({
  prefix: z
    .string()
    .default('')
    .describe("Prefix: before the host, as it stands. The handler's prefix is a level by itself."),
  postfix: z.string().default('').describe('Postfix: behind the host, as it stands.'),
  escapeCharacter: z
    .string()
    .regex(
      /^[^\s"\\:!,/().;~\p{Cc}]$/u,
      'must be one character, and none of those that it stands in for',
    )
    .default('_')
    .describe('EscapeCharacter: stands in for dots, blanks and what Graphite cannot take.'),
  storeRates: z.boolean().optional().meta({
    description: 'StoreRates: counters per second, or as they stand.',
    fallback: "as the handler's counters: rates",
  }),
  separateInstances: flag(
    false,
    'SeparateInstances: a level for each instance (cpu.0.cpu.user for cpu-0.cpu-user).',
  ),
  alwaysAppendDS: flag(
    false,
    "AlwaysAppendDS: the data source's name also where there is only one (uptime.uptime.value).",
  ),
  dropDuplicateFields: flag(
    false,
    'DropDuplicateFields: load.shortterm for load.load.shortterm, memory.used for memory.memory-used.',
  ),
  preserveSeparator: flag(
    false,
    "PreserveSeparator: dots in names (the host's, eth0.100) stay and make levels.",
  ),
  useTags: flag(false, 'UseTags: tags (cpu.cpu;host=…;plugin=…) instead of levels.'),
  reverseHost: flag(false, 'ReverseHost: net.example.web01 for web01.example.net.'),
  cpu: z
    .strictObject({
      reportByState: flag(true, 'ReportByState: each state, or only percent-active.'),
      reportByCpu: flag(true, 'ReportByCpu: each CPU, or percent of all of them together.'),
      valuesPercentage: flag(false, 'ValuesPercentage: percent of the time instead of ticks.'),
      reportNumCpu: flag(false, 'ReportNumCpu: cpu.count.'),
      reportGuestState: flag(false, 'ReportGuestState: guest and guest_nice as well.'),
      subtractGuestState: flag(
        true,
        'SubtractGuestState: user without guest, nice without guest_nice, if guests are reported.',
      ),
    })
    .prefault({})
    .describe('The plugin cpu.'),
  memory: z
    .strictObject({
      valuesAbsolute: flag(true, 'ValuesAbsolute: bytes.'),
      valuesPercentage: flag(false, 'ValuesPercentage: percent.'),
    })
    .prefault({})
    .describe('The plugin memory.'),
  df: z
    .strictObject({
      reportByDevice: flag(false, 'ReportByDevice: named after the device, not the mount point.'),
      reportInodes: flag(false, 'ReportInodes: inodes as well.'),
      valuesAbsolute: flag(true, 'ValuesAbsolute: bytes and inodes.'),
      valuesPercentage: flag(false, 'ValuesPercentage: percent.'),
    })
    .prefault({})
    .describe('The plugin df.'),
  load: z
    .strictObject({ reportRelative: flag(false, 'ReportRelative: load by CPU.') })
    .prefault({})
    .describe('The plugin load.'),
  swap: z
    .strictObject({
      reportIO: flag(true, 'ReportIO: pages swapped in and out.'),
      valuesAbsolute: flag(true, 'ValuesAbsolute: bytes.'),
      valuesPercentage: flag(false, 'ValuesPercentage: percent.'),
    })
    .prefault({})
    .describe('The plugin swap.'),
  vmem: z
    .strictObject({
      verbose: flag(false, 'Verbose: page actions, by zone where the kernel says so.'),
    })
    .prefault({})
    .describe('The plugin vmem. Its nr_ fields need the collector paging with detailed: true.'),
  tcpconns: z
    .strictObject({
      allPortsSummary: flag(false, 'AllPortsSummary: connections by state.'),
    })
    .prefault({})
    .describe('The plugin tcpconns.'),
  virt: virt.prefault({}).describe('The plugin virt.'),
});

export type Options = z.output<typeof options>;
