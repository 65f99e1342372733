/**
 * Temperatures, fans, voltages, currents and power, as the hardware's own sensors measure them.
 *
 * Source  /sys/class/hwmon/hwmon<n>: name, and per sensor <kind><n>_input (power may have _average
 *         alone), _label and _fault (Linux, Documentation/hwmon/sysfs-interface.rst). Chips are named as
 *         lm-sensors names them, by driver, bus and address: `coretemp-isa-0000`, `nvme-pci-6500`.
 *         A sensor whose _fault is 1 has a number that is none, and is left out.
 * Units   Thousandths of °C, V and A, millionths of W and revolutions per minute become celsius,
 *         volts, amperes, watts and hertz.
 * Access  World-readable. Off unless it is configured: some drivers ask a slow bus, and hold up the
 *         agent while they do.
 */
import {
  amperes,
  celsius,
  defineCollector,
  gauge,
  hertz,
  nameOf,
  type Observation,
  ParseError,
  part,
  type Tree,
  unlessAbsent,
  volts,
  watts,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({});

const labels = ['chip', 'sensor'] as const;
const metrics = {
  temperature: gauge('hardware.temperature', { unit: 'celsius', labels, help: 'Temperature.' }),
  fan: gauge('hardware.fan.speed', { unit: 'hertz', labels, help: 'Revolutions per second.' }),
  voltage: gauge('hardware.voltage', { unit: 'volts', labels, help: 'Voltage.' }),
  current: gauge('hardware.current', { unit: 'amperes', labels, help: 'Current.' }),
  power: gauge('hardware.power', { unit: 'watts', labels, help: 'Power.' }),
};

interface Where {
  readonly chip: string;
  readonly sensor: string;
}

const KINDS: Readonly<Record<string, (reading: number, where: Where) => Observation>> = {
  temp: (reading, where) => metrics.temperature.observe(celsius(reading / 1e3), where),
  fan: (reading, where) => metrics.fan.observe(hertz(reading / 60), where),
  in: (reading, where) => metrics.voltage.observe(volts(reading / 1e3), where),
  curr: (reading, where) => metrics.current.observe(amperes(reading / 1e3), where),
  power: (reading, where) => metrics.power.observe(watts(reading / 1e6), where),
};

/** A sensor's reading, in the kernel's unit for it. */
export function parse(path: string, text: string): number {
  if (/^-?\d{1,15}\s*$/.test(text)) return Number(text);
  throw new ParseError(`/sys/${path}: "${text.slice(0, 80).trimEnd()}" is no whole number`);
}

/** How lm-sensors writes a device's address, by its bus. */
const ADDRESSES: Readonly<Record<string, (device: string) => string>> = {
  platform: (device) => `isa-${hex(Number(/\.(\d+)$/.exec(device)?.[1] ?? 0), 4)}`,
  pci: (device) => {
    const [domain = 0, bus = 0, slot = 0, part = 0] = numbers(device);
    return `pci-${hex(domain * 0x10000 + bus * 0x100 + slot * 8 + part, 4)}`;
  },
  i2c: (device) => {
    const [bus = '', address = ''] = device.split('-');
    return `i2c-${bus}-${hex(Number.parseInt(address, 16), 2)}`;
  },
  spi: (device) => device.replace(/^spi(\d+)\./, 'spi-$1-'),
  acpi: () => 'acpi-0',
  hid: (device) => `hid-${numbers(device)[0]}-${hex(numbers(device)[3] ?? 0, 1)}`,
};
const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');
const numbers = (device: string) => device.split(/[:.]/).map((part) => Number.parseInt(part, 16));

/** The name of a chip, after the nearest device above it that is on a bus. */
function chipName(sys: Tree, folder: string, driver: string): string {
  for (let at = `${folder}/device`; at.length < folder.length + 30; at += '/device') {
    const bus = baseOf(sys, `${at}/subsystem`);
    if (bus === undefined) break;
    const address = ADDRESSES[bus]?.(baseOf(sys, at) ?? '');
    if (address !== undefined) return `${driver}-${address}`;
  }
  return `${driver}-virtual-0`;
}

/** The last part of what a link leads to; `undefined` where there is no link. */
const baseOf = (sys: Tree, path: string): string | undefined =>
  unlessAbsent(() => sys.link(path))
    ?.split('/')
    .at(-1);

interface Sensor {
  readonly file: string;
  /** Where its driver says that it is broken, or not connected; not every driver does. */
  readonly fault: string | undefined;
  readonly observe: (reading: number) => Observation;
}

interface Chip {
  readonly driver: string;
  readonly name: string;
  readonly sensors: readonly Sensor[];
}

const INPUT = /^(temp|fan|in|curr|power)\d+_(?:input|average)$/;

/** A chip's driver, and where its files are: before Linux 3.1 many had them in the device's folder. */
function driverOf(sys: Tree, folder: string) {
  const driver = unlessAbsent(() => sys.read(`${folder}/name`))?.trim();
  if (driver !== undefined) return { driver, at: folder };
  return { driver: sys.read(`${folder}/device/name`).trim(), at: `${folder}/device` };
}
type Driver = ReturnType<typeof driverOf>;

/** @param taken the names of the other chips: two of a driver without an address are told apart. */
function survey(
  sys: Tree,
  folder: string,
  { driver, at }: Driver,
  taken: ReadonlySet<string>,
): Chip {
  const files = sys.list(at);
  const plainName = nameOf(chipName(sys, folder, driver));
  const name = taken.has(plainName) ? `${plainName}-${folder.split('/').at(-1)}` : plainName;
  const used = new Set<string>();
  const sensors = files.flatMap((file): Sensor | [] => {
    const observe = KINDS[INPUT.exec(file)?.[1] ?? ''];
    const plain = file.slice(0, file.indexOf('_'));
    const better = file.endsWith('_average') && files.includes(`${plain}_input`);
    if (observe === undefined || better) return [];
    const label = files.includes(`${plain}_label`) ? labelIn(sys, `${at}/${plain}_label`) : '';
    const sensor = [label, plain].find((name) => name !== '' && !used.has(name)) ?? file;
    used.add(sensor);
    const where = { chip: name, sensor };
    const fault = files.includes(`${plain}_fault`) ? `${at}/${plain}_fault` : undefined;
    return { file: `${at}/${file}`, fault, observe: (reading) => observe(reading, where) };
  });
  return { driver, name, sensors };
}

const labelIn = (sys: Tree, path: string): string =>
  nameOf(unlessAbsent(() => sys.read(path).trim()) ?? '');

export default defineCollector({
  name: 'sensors',
  summary: 'Temperatures, fans, voltages, currents and power, as the hardware measures them.',
  source: '/sys/class/hwmon',
  enabled: false,
  options,
  metrics,
  open: () => {
    let chips = new Map<string, Chip>();
    return {
      *collect({ host: { sys } }) {
        const before = chips;
        const numbers = sys.list('class/hwmon');
        // A chip that has gone leaves its name: it may be back under another number.
        const taken = new Set(numbers.flatMap((number) => before.get(number)?.name ?? []));
        chips = new Map();
        for (const number of numbers) {
          const folder = `class/hwmon/${number}`;
          yield* part(function* () {
            const driver = driverOf(sys, folder);
            const known = before.get(number);
            const same = known?.driver === driver.driver;
            const chip = same ? known : survey(sys, folder, driver, taken);
            taken.add(chip.name);
            chips.set(number, chip);
            for (const { file, fault, observe } of chip.sensors) {
              yield* part(function* () {
                if (fault !== undefined && parse(fault, sys.read(fault)) !== 0) return;
                yield observe(parse(file, sys.read(file)));
              });
            }
          });
        }
      },
      close: () => undefined,
    };
  },
});
