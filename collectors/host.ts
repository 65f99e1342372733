/**
 * What the host is: operating system, kernel, hardware and virtualization, as labels.
 *
 * Source  /proc/sys/kernel/{osrelease,arch}, /proc/cpuinfo, the first line of /proc/meminfo,
 *         /etc/os-release (os-release(5)), and what the firmware says of the machine:
 *         /sys/class/dmi/id/{sys_vendor,product_name}, or the model in its device tree.
 *         /sys/hypervisor/type under Xen. Read at the first collection and every 2160th after it,
 *         six hours at 10 s: in between nothing is read.
 * Units   None: the value is always 1. `memory` is what the kernel manages, to three digits.
 * Access  World-readable. Serial numbers and UUIDs are never read.
 */
import {
  AccessDenied,
  count,
  defineCollector,
  gauge,
  type Host,
  NoData,
  nameOf,
  type Tree,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({});

const metrics = {
  info: gauge('system.host.info', {
    unit: 'count',
    labels: [
      ...(['os', 'kernel', 'arch', 'distribution', 'version'] as const),
      ...(['vendor', 'model', 'virtualization', 'cpu_model', 'memory'] as const),
    ],
    help: 'Always 1; the labels say what the host is. What is not known is empty.',
  }),
};

const REFRESH = 2160;
const LONGEST = 120;

/** A text as a label: one line of it, printable, and not without an end. */
function label(text: string): string {
  const line = nameOf(text.slice(0, text.search(/[\n\0]|$/)));
  return line
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, LONGEST);
}

/** The values in an os-release file, which a shell could read as well. */
export function parseRelease(text: string): { readonly id: string; readonly version: string } {
  const value = (key: string) =>
    label(new RegExp(`^${key}=(["']?)(.*)\\1$`, 'm').exec(text)?.[2] ?? '');
  return { id: value('ID'), version: value('VERSION_ID') };
}

/** What /proc/cpuinfo says; every architecture has a form of its own. */
export function parseCpu(text: string) {
  const value = (key: string) => new RegExp(`^${key}\\s*:\\s*(.*)$`, 'm').exec(text)?.[1];
  const flags = value('flags')?.split(' ');
  const model = value('model name') ?? value('cpu model') ?? value('cpu') ?? value('Processor');
  const ofFlags = flags && (flags.includes('lm') ? 'x86_64' : 'i686');
  return {
    model: label(model ?? '').replace(/ {2,}/g, ' '),
    arch: ofFlags ?? (value('CPU architecture') === '8' ? 'aarch64' : ''),
    /** Whether it says that it is a guest's; `undefined` where it cannot say. */
    guest: flags?.includes('hypervisor'),
  };
}

/** Whose firmware says which hypervisor. */
const HYPERVISORS: readonly (readonly [RegExp, string])[] = [
  [/^(KVM|OpenStack|KubeVirt|RHEV)/, 'kvm'],
  [/^VMware/, 'vmware'],
  [/^(VirtualBox|innotek)/, 'virtualbox'],
  [/^(Virtual Machine|Hyper-V)/, 'hyperv'],
  [/^Xen|^HVM domU/, 'xen'],
  [/^Amazon EC2/, 'amazon'],
  [/^Google/, 'google'],
  [/^BHYVE/, 'bhyve'],
  [/^Parallels/, 'parallels'],
  [/^Bochs/, 'bochs'],
  [/^QEMU/, 'qemu'],
];

/**
 * The hypervisor under a host: `none`, its name, `other`, or '' where nothing tells.
 *
 * @param type of /sys/hypervisor.
 * @param guest what the CPU says; on bare metal in a cloud it is the one that is right.
 */
export function virtualization(
  type: string,
  { vendor, model }: { readonly vendor: string; readonly model: string },
  guest: boolean | undefined,
): string {
  if (type !== '') return type;
  if (guest === false) return 'none';
  for (const text of [model, vendor]) {
    const known = HYPERVISORS.find(([firmware]) => firmware.test(text));
    if (known !== undefined) return known[1];
  }
  if (guest === true) return 'other';
  return vendor === '' ? '' : 'none';
}

/** A file that may be missing, or closed to the agent. */
function optional(tree: Tree, path: string): string {
  try {
    return tree.read(path);
  } catch (error) {
    if (error instanceof NoData || error instanceof AccessDenied) return '';
    throw error;
  }
}

/** `xen` under Xen, but not of the domain that controls the others: that one is the host itself. */
const xen = (sys: Tree, proc: Tree): string =>
  optional(proc, 'xen/capabilities').includes('control_d')
    ? ''
    : label(optional(sys, 'hypervisor/type'));

function survey({ proc, sys, root }: Host) {
  const kernel = label(proc.read('sys/kernel/osrelease'));
  const cpu = parseCpu(optional(proc, 'cpuinfo'));
  const release = parseRelease(
    optional(root, 'etc/os-release') || optional(root, 'usr/lib/os-release'),
  );
  const machine = {
    vendor: label(optional(sys, 'class/dmi/id/sys_vendor')),
    model:
      label(optional(sys, 'class/dmi/id/product_name')) ||
      label(optional(sys, 'firmware/devicetree/base/model')),
  };
  const kibibytes = /^MemTotal: +(\d{1,15}) kB$/m.exec(optional(proc, 'meminfo'))?.[1];
  return {
    os: 'linux',
    kernel,
    arch: label(optional(proc, 'sys/kernel/arch')) || cpu.arch,
    distribution: release.id,
    version: release.version,
    ...machine,
    virtualization: virtualization(xen(sys, proc), machine, cpu.guest),
    cpu_model: cpu.model,
    memory: kibibytes === undefined ? '' : gibibytes(Number(kibibytes) / 1024 ** 2),
  };
}

const gibibytes = (size: number) => `${size < 100 ? size.toPrecision(3) : size.toFixed()} GiB`;

export default defineCollector({
  name: 'host',
  summary: 'What the host is: operating system, kernel, hardware and virtualization, as labels.',
  source:
    '/proc/sys/kernel, /proc/cpuinfo, /proc/meminfo, /etc/os-release, /sys/class/dmi/id; rarely',
  options,
  metrics,
  open: () => {
    let turn = 0;
    let facts: ReturnType<typeof survey> | undefined;
    return {
      *collect({ host }) {
        if (facts === undefined || turn % REFRESH === 0) facts = survey(host);
        turn += 1;
        yield metrics.info.observe(count(1), facts);
      },
      close: () => undefined,
    };
  },
});
