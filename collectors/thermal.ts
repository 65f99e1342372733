/**
 * Thermal zones and cooling devices: how hot it is where the kernel itself would throttle or shut down.
 *
 * Source  /sys/class/thermal/thermal_zone<n>/{type,temp,trip_point_<m>_type,trip_point_<m>_temp} and
 *         cooling_device<n>/{type,cur_state,max_state} (Linux,
 *         Documentation/driver-api/thermal/sysfs-api.rst). A zone that is switched off says EAGAIN or EINVAL.
 * Units   Thousandths of °C become celsius; states are steps from 0 to the maximum.
 * Access  World-readable. Off unless it is configured: some drivers ask a slow bus.
 */
import {
  celsius,
  count,
  defineCollector,
  gauge,
  NoData,
  nameOf,
  ParseError,
  part,
  type Tree,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({});

const metrics = {
  temperature: gauge('hardware.thermal.temperature', {
    unit: 'celsius',
    labels: ['zone', 'type'],
    help: 'Temperature of a zone.',
  }),
  critical: gauge('hardware.thermal.critical', {
    unit: 'celsius',
    labels: ['zone', 'type'],
    help: 'The temperature at which the kernel shuts the host down.',
  }),
  cooling: gauge('hardware.cooling.state', {
    unit: 'count',
    labels: ['device', 'type'],
    help: 'The step that a fan, or a limit to the clock, is at.',
  }),
  coolingLimit: gauge('hardware.cooling.limit', {
    unit: 'count',
    labels: ['device', 'type'],
    help: 'The highest step.',
  }),
};

/** A whole number. */
export function parse(path: string, text: string): number {
  if (/^-?\d{1,10}\n$/.test(text)) return Number(text);
  throw new ParseError(`/sys/${path}: "${text.slice(0, 80).trimEnd()}" is no whole number`);
}

const FOLDER = 'class/thermal';
const numberIn = (sys: Tree, path: string) => parse(path, sys.read(path));
const typeIn = (sys: Tree, folder: string) => nameOf(sys.read(`${folder}/type`).trim());

function* observeZone(sys: Tree, zone: string) {
  const folder = `${FOLDER}/${zone}`;
  const labels = { zone: zone.slice('thermal_zone'.length), type: typeIn(sys, folder) };
  const temperature = numberIn(sys, `${folder}/temp`);
  yield metrics.temperature.observe(celsius(temperature / 1000), labels);
  const points = sys.list(folder).filter((name) => /^trip_point_\d+_type$/.test(name));
  for (const point of points) {
    if (sys.read(`${folder}/${point}`) !== 'critical\n') continue;
    const critical = numberIn(sys, `${folder}/${point.replace(/type$/, 'temp')}`);
    // Drivers that have no limit say 0, or less.
    if (critical > 0) yield metrics.critical.observe(celsius(critical / 1000), labels);
    return;
  }
}

function* observeDevice(sys: Tree, device: string) {
  const folder = `${FOLDER}/${device}`;
  const labels = { device: device.slice('cooling_device'.length), type: typeIn(sys, folder) };
  const state = numberIn(sys, `${folder}/cur_state`);
  const most = numberIn(sys, `${folder}/max_state`);
  yield metrics.cooling.observe(count(state), labels);
  yield metrics.coolingLimit.observe(count(most), labels);
}

export default defineCollector({
  name: 'thermal',
  summary: 'Thermal zones and cooling devices: temperatures, limits, and how hard is cooled.',
  source: '/sys/class/thermal',
  enabled: false,
  options,
  metrics,
  *collect({ host: { sys } }) {
    const names = sys.list(FOLDER);
    if (names.length === 0) throw new NoData('/sys/class/thermal is empty here');
    for (const name of names) {
      if (/^thermal_zone\d+$/.test(name)) yield* part(() => observeZone(sys, name));
      else if (/^cooling_device\d+$/.test(name)) yield* part(() => observeDevice(sys, name));
    }
  },
});
