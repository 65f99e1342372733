/**
 * SMART: what disks say of their health, age, temperature and wear; their attributes as they have them.
 *
 * Source  smartctl(8) of smartmontools 7 or later, in JSON: once to find the disks, then once for each, as a
 *         child that is killed at the deadline. A disk that sleeps is not woken. As disks do not change by
 *         the second, they are asked at most once in `every`; in between the same is observed again.
 * Units   Hours become seconds, NVMe's units of 512,000 bytes bytes, percent shares of 1.
 * Access  Disks have to be opened as root, or with CAP_SYS_RAWIO (NVMe: CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH):
 *         docs/systemd.md has a drop-in for the packaged unit, whose sandbox shows no disk. An agent elsewhere
 *         may be given `command` ["sudo", "-n", "smartctl"], which sudo lets its user run.
 */
import {
  AccessDenied,
  bytes,
  celsius,
  count,
  counter,
  decoded,
  defineCollector,
  duration,
  Foreseen,
  gauge,
  NoData,
  type Observation,
  ParseError,
  ratio,
  runChild,
  seconds,
  selection,
  z,
} from 'cullinan/plugin';
import {
  type Fields,
  fieldsIn,
  fieldsOf,
  flagIn,
  listOf,
  numberIn,
  parseJson,
  textIn,
} from 'cullinan/wire/json';

const options = z.strictObject({
  devices: selection().describe('Which disks, by their names: sda, nvme0.'),
  command: z
    .array(z.string().regex(/^[^\0]+$/, 'must not be empty, or have a null character'))
    .min(1)
    .default(['smartctl'])
    .describe('What runs smartctl; its words are added.'),
  every: duration().prefault('5m').describe('Time between two questions to a disk, at least.'),
});
type Options = z.output<typeof options>;

const labels = ['device'] as const;
const attribute = ['device', 'attribute'] as const;
const metrics = {
  healthy: gauge('smart.healthy', {
    unit: 'count',
    labels,
    help: '1 if the disk takes itself for sound, 0 if it expects to fail.',
  }),
  temperature: gauge('smart.temperature', { unit: 'celsius', labels, help: 'Temperature.' }),
  age: counter('smart.power_on_time', { unit: 'seconds', labels, help: 'Time it has been on.' }),
  cycles: counter('smart.power_cycles', {
    unit: 'count',
    labels,
    help: 'Times it was switched on.',
  }),
  raw: gauge('smart.attribute.raw', {
    unit: 'count',
    labels: attribute,
    help: "An attribute's raw value, in whatever unit the disk has for it (ATA).",
  }),
  value: gauge('smart.attribute.value', {
    unit: 'count',
    labels: attribute,
    help: 'An attribute as the disk rates it, the higher the better (ATA).',
  }),
  threshold: gauge('smart.attribute.threshold', {
    unit: 'count',
    labels: attribute,
    help: 'The rating from which downward it counts as failed (ATA).',
  }),
  failing: gauge('smart.attributes.failing', {
    unit: 'count',
    labels,
    help: 'Attributes that are at their threshold, or below (ATA).',
  }),
  wear: gauge('smart.wear', {
    unit: 'ratio',
    labels,
    help: 'How much of the life that its maker expects is used up; it may be over 1 (NVMe).',
  }),
  spare: gauge('smart.spare', {
    unit: 'ratio',
    labels,
    help: 'Spare capacity that is left (NVMe).',
  }),
  spareThreshold: gauge('smart.spare.threshold', {
    unit: 'ratio',
    labels,
    help: 'Spare capacity below which the disk warns (NVMe).',
  }),
  io: counter('smart.io', {
    unit: 'bytes',
    labels: ['device', 'direction'],
    help: 'What was read and written since it was made (NVMe).',
  }),
  errors: counter('smart.errors', {
    unit: 'count',
    labels: ['device', 'type'],
    help: 'media (data that could not be read or written), log (entries of its log), shutdown (without notice) (NVMe).',
  }),
  warning: gauge('smart.critical_warning', {
    unit: 'count',
    labels,
    help: '0, or a sum of what it warns of: 1 spare, 2 temperature, 4 reliability, 8 read-only, 16 backup power (NVMe).',
  }),
};

/** A disk, and how smartctl talks to it. */
interface Device {
  readonly name: string;
  readonly path: string;
  readonly type: string | undefined;
}

/** Bytes of an answer: some 30,000 for a disk with many attributes. */
const MOST = 1024 * 1024;
/** More than any host has, and each is a process. */
const DISKS = 256;

/** What smartctl answers. @throws {@link ParseError} if it is no JSON of smartctl. */
export function parse(text: string): Fields {
  const answer = fieldsOf(decoded(() => parseJson('smartctl', text), 'Is it older than 7?'));
  if (!Object.hasOwn(answer, 'smartctl')) {
    throw new ParseError(`smartctl: an answer of another program: "${text.slice(0, 80)}"`);
  }
  return answer;
}

/** The disks of `--scan` that are chosen, by their names. */
export const devicesIn = (answer: Fields, chosen: Options['devices']): readonly Device[] =>
  listOf(answer['devices'])
    .flatMap((one) => {
      const path = textIn(fieldsOf(one), 'name');
      if (path === undefined || !path.startsWith('/dev/')) return [];
      const type = textIn(fieldsOf(one), 'type');
      // Disks behind one controller share its path, and are told apart by their type: megaraid,4.
      const behind = type?.includes(',') ? `_${type.replaceAll(',', '_')}` : '';
      const name = path.slice('/dev/'.length) + behind;
      return chosen(name) ? [{ name, path, type }] : [];
    })
    .slice(0, DISKS);

export function* observe(device: string, answer: Fields): Generator<Observation> {
  const passed = flagIn(fieldsIn(answer, 'smart_status'), 'passed');
  if (passed !== undefined) yield metrics.healthy.observe(count(passed ? 1 : 0), { device });
  const temperature = numberIn(fieldsIn(answer, 'temperature'), 'current');
  if (temperature !== undefined) {
    yield metrics.temperature.observe(celsius(temperature), { device });
  }
  const on = fieldsIn(answer, 'power_on_time');
  const hours = numberIn(on, 'hours') ?? Number.NaN;
  const time = hours * 3600 + (numberIn(on, 'minutes') ?? 0) * 60;
  // What is too large in another unit is no number there.
  if (Number.isFinite(time)) yield metrics.age.observe(seconds(time), { device });
  const cycles = numberIn(answer, 'power_cycle_count');
  if (cycles !== undefined) yield metrics.cycles.observe(count(cycles), { device });
  const ata = fieldsIn(answer, 'ata_smart_attributes');
  if (Array.isArray(ata['table'])) yield* observeAttributes(device, ata['table']);
  yield* observeNvme(device, fieldsIn(answer, 'nvme_smart_health_information_log'));
}

function* observeAttributes(device: string, table: readonly unknown[]): Generator<Observation> {
  const seen = new Set<string>();
  let failing = 0;
  for (const row of table.slice(0, 256).map(fieldsOf)) {
    const id = numberIn(row, 'id');
    const name = textIn(row, 'name', 100) ?? '';
    const known = name !== '' && name !== 'Unknown_Attribute' && !seen.has(name);
    const attribute = known ? name : `${id}`;
    if (id === undefined || seen.has(attribute)) continue;
    seen.add(attribute);
    if (textIn(row, 'when_failed') === 'now') failing += 1;
    for (const [metric, value] of [
      [metrics.raw, numberIn(fieldsIn(row, 'raw'), 'value')],
      [metrics.value, numberIn(row, 'value')],
      [metrics.threshold, numberIn(row, 'thresh')],
    ] as const) {
      if (value !== undefined) yield metric.observe(count(value), { device, attribute });
    }
  }
  yield metrics.failing.observe(count(failing), { device });
}

/** Blocks of 512 bytes, in thousands. */
const DATA_UNIT = 512_000;

function* observeNvme(device: string, log: Fields): Generator<Observation> {
  for (const [metric, name] of [
    [metrics.wear, 'percentage_used'],
    [metrics.spare, 'available_spare'],
    [metrics.spareThreshold, 'available_spare_threshold'],
  ] as const) {
    const percent = numberIn(log, name);
    if (percent !== undefined) yield metric.observe(ratio(percent / 100), { device });
  }
  for (const [direction, name] of [
    ['read', 'data_units_read'],
    ['write', 'data_units_written'],
  ] as const) {
    const moved = (numberIn(log, name) ?? Number.NaN) * DATA_UNIT;
    if (Number.isFinite(moved)) yield metrics.io.observe(bytes(moved), { device, direction });
  }
  for (const [type, name] of [
    ['media', 'media_errors'],
    ['log', 'num_err_log_entries'],
    ['shutdown', 'unsafe_shutdowns'],
  ] as const) {
    const errors = numberIn(log, name);
    if (errors !== undefined) yield metrics.errors.observe(count(errors), { device, type });
  }
  const warning = numberIn(log, 'critical_warning');
  if (warning !== undefined) yield metrics.warning.observe(count(warning), { device });
}

async function smartctl({ command }: Options, words: readonly string[], signal: AbortSignal) {
  const [program = 'smartctl', ...more] = command;
  const given = [...more, '--json=c', ...words];
  const { stdout, stderr } = await runChild(program, given, signal, { keep: MOST });
  if (stdout === '') {
    const said = stderr.trim().split('\n')[0]?.slice(0, 200) ?? '';
    throw new Foreseen(`${program} said nothing but "${said}"`);
  }
  return parse(stdout);
}

const REMEDY = 'Under systemd it takes the drop-in smart.conf (docs/systemd.md).';

/** The lowest bits of its exit status: it could not even ask. */
const NOT_ASKED = 0b11;

async function ask(o: Options, { name, path, type }: Device, signal: AbortSignal) {
  // As `--scan` goes by names, every sd is `scsi` to it, and being told so smartctl would not look whether it is SATA.
  const how = type === undefined || type === 'scsi' ? [] : ['--device', type];
  const words = ['--nocheck=standby', '--info', '--health', '--attributes', ...how, path];
  const answer = await smartctl(o, words, signal);
  const said = listOf(fieldsIn(answer, 'smartctl')['messages'])
    .map((one) => textIn(fieldsOf(one), 'string') ?? '')
    .filter((text) => text !== '')
    .join('; ')
    .slice(0, 300);
  const status = numberIn(fieldsIn(answer, 'smartctl'), 'exit_status') ?? 0;
  if ((status & NOT_ASKED) === 0) return [...observe(name, answer)];
  if (/STANDBY|SLEEP/i.test(said)) return [];
  if (/Permission denied|Operation not permitted/.test(said)) {
    throw new AccessDenied(`${path}: ${said}. ${REMEDY}`);
  }
  throw new Foreseen(`${path}: ${said === '' ? `smartctl failed with status ${status}` : said}`);
}

export default defineCollector({
  name: 'smart',
  summary: 'SMART: health, age, temperature and wear of disks, and their attributes.',
  source: 'the disks, by smartctl(8)',
  enabled: false,
  options,
  metrics,
  open() {
    let asked = Number.NEGATIVE_INFINITY;
    let known: readonly (Observation | Error)[] = [];
    return {
      async collect({ options, time, signal }) {
        if (time >= asked && time - asked < options.every) return known;
        const devices = devicesIn(await smartctl(options, ['--scan'], signal), options.devices);
        if (devices.length === 0)
          throw new NoData(`smartctl finds no disk here that is chosen. ${REMEDY}`);
        const observed: (Observation | Error)[] = [];
        // One after the other: disks behind one controller wait for each other anyway.
        for (const device of devices) {
          try {
            observed.push(...(await ask(options, device, signal)));
          } catch (error) {
            observed.push(error as Error);
          }
        }
        asked = time;
        known = observed;
        return observed;
      },
      close: () => undefined,
    };
  },
});
