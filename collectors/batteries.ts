/**
 * Batteries and the mains: how full, how worn, charging or not, and whether there is power at all.
 *
 * Source  /sys/class/power_supply/<name>: type, scope, status, capacity, voltage_now, power_now,
 *         current_now, energy_full and charge_full with their _design, cycle_count; online of the
 *         mains (Linux, Documentation/ABI/testing/sysfs-class-power). A driver has what it knows.
 * Units   Percent become ratios, millionths of V, W and A volts and watts. Where a driver tells the
 *         current but not the power, power is current times voltage.
 * Access  World-readable. Off unless it is configured: servers have none.
 */
import {
  count,
  defineCollector,
  gauge,
  nameOf,
  type Observation,
  ParseError,
  part,
  ratio,
  type Tree,
  unlessAbsent,
  volts,
  watts,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({});

const labels = ['battery'] as const;
const metrics = {
  charge: gauge('hardware.battery.charge', { unit: 'ratio', labels, help: '1 is full.' }),
  health: gauge('hardware.battery.health', {
    unit: 'ratio',
    labels,
    help: 'What it holds when it is full, of what it was built to hold.',
  }),
  charging: gauge('hardware.battery.charging', {
    unit: 'count',
    labels,
    help: '1 while it is being charged, 0 while it is not; absent where the driver does not know.',
  }),
  cycles: gauge('hardware.battery.cycles', {
    unit: 'count',
    labels,
    help: 'Times it was charged, as it counts them itself.',
  }),
  voltage: gauge('hardware.battery.voltage', { unit: 'volts', labels, help: 'Voltage now.' }),
  power: gauge('hardware.battery.power', {
    unit: 'watts',
    labels,
    help: 'Power it gives, or takes while it is being charged.',
  }),
  mains: gauge('hardware.mains.online', {
    unit: 'count',
    labels: ['supply'],
    help: '1 while a charger or power supply has power from the mains, else 0.',
  }),
};

const CHARGING = new Map([
  ['Charging', 1],
  ...['Discharging', 'Not charging', 'Full'].map((status) => [status, 0] as const),
]);

/** A supply's file; `undefined` where its driver does not know. */
const ask = (sys: Tree, supply: string, file: string): string | undefined =>
  unlessAbsent(() => sys.read(`class/power_supply/${supply}/${file}`))?.trim();

function number(sys: Tree, supply: string, file: string): number | undefined {
  const text = ask(sys, supply, file);
  if (text === undefined) return undefined;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new ParseError(
    `/sys/class/power_supply/${supply}/${file}: "${text.slice(0, 80)}" is no whole number`,
  );
}

function* observeBattery(sys: Tree, supply: string): Generator<Observation> {
  const read = (file: string) => number(sys, supply, file);
  const where = { battery: nameOf(supply) };
  const capacity = read('capacity');
  if (capacity !== undefined) yield metrics.charge.observe(ratio(capacity / 100), where);
  for (const what of ['energy', 'charge']) {
    const full = read(`${what}_full`);
    const design = full === undefined ? undefined : read(`${what}_full_design`);
    if (full === undefined || !design) continue;
    yield metrics.health.observe(ratio(full / design), where);
    break;
  }
  const charging = CHARGING.get(ask(sys, supply, 'status') ?? '');
  if (charging !== undefined) yield metrics.charging.observe(count(charging), where);
  const cycles = read('cycle_count');
  // A driver that cannot count them says 0, as a new battery does.
  if (cycles !== undefined && cycles > 0) yield metrics.cycles.observe(count(cycles), where);
  const voltage = read('voltage_now');
  if (voltage !== undefined) yield metrics.voltage.observe(volts(voltage / 1e6), where);
  const current = read('current_now');
  const product =
    voltage === undefined || current === undefined ? undefined : (voltage * current) / 1e6;
  const power = read('power_now') ?? product;
  if (power !== undefined) yield metrics.power.observe(watts(Math.abs(power) / 1e6), where);
}

function* observe(sys: Tree, supply: string): Generator<Observation> {
  const type = ask(sys, supply, 'type');
  // A mouse's or a pen's is not this machine's.
  if (ask(sys, supply, 'scope') === 'Device') return;
  if (type === 'Battery' || type === 'UPS') {
    if (number(sys, supply, 'present') !== 0) yield* observeBattery(sys, supply);
    return;
  }
  const online = number(sys, supply, 'online');
  if (online === undefined) return;
  yield metrics.mains.observe(count(online > 0 ? 1 : 0), { supply: nameOf(supply) });
}

export default defineCollector({
  name: 'batteries',
  summary:
    'Batteries and the mains: how full, how worn, charging or not, and whether there is power.',
  source: '/sys/class/power_supply',
  enabled: false,
  options,
  metrics,
  *collect({ host: { sys } }) {
    for (const supply of sys.list('class/power_supply')) {
      yield* part(() => observe(sys, supply));
    }
  },
});
