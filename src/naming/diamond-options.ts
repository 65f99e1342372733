import { z } from '../plugin/index.ts';

/** Options of Diamond that change names or values. */
export const options = z.strictObject({
  instancePrefix: z
    .string()
    .default('instances')
    .describe("instance_prefix: the first level of a guest's paths, which have no host in them."),
  cpuAbsolute: z
    .boolean()
    .default(false)
    .describe(
      "LibvirtKVMCollector's cpu_absolute: a guest's CPU time in nanoseconds as it stands, not percent of one CPU.",
    ),
  everyDevice: z
    .boolean()
    .default(false)
    .describe(
      "Diamond's names for whatever disk, interface and file system is collected, not only for those that it has by default: for a Diamond whose devices, interfaces or filesystems were set.",
    ),
});
export type Options = z.output<typeof options>;
