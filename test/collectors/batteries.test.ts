import fc from 'fast-check';
import { expect, test } from 'vitest';
import batteries from '../../collectors/batteries.ts';
import { collecting, describeCollector, expectSound, line } from '../support/collector.ts';
import { changing, hostWith, remembering } from '../support/host.ts';

describeCollector(batteries);

const supply = (name: string, files: Readonly<Record<string, string | number>>) =>
  Object.fromEntries(
    Object.entries(files).map(([file, text]) => [
      `sys/class/power_supply/${name}/${file}`,
      `${text}\n`,
    ]),
  );

const linesOf = async (files: Readonly<Record<string, string>>) => {
  const { observations, errors } = await collecting(batteries)(0, { host: hostWith(files) });
  return [...observations.map(line), ...errors.map(String)];
};

const LAPTOP = {
  ...supply('AC', { type: 'Mains', online: 0 }),
  ...supply('BAT0', {
    ...{ type: 'Battery', present: 1, status: 'Discharging', capacity: 81, cycle_count: 212 },
    ...{ energy_full_design: 57_020_000, energy_full: 48_467_000, energy_now: 39_258_000 },
    ...{ voltage_now: 12_100_000, power_now: 6_400_000 },
  }),
};

test('a laptop on battery', async () => {
  expect(await linesOf(LAPTOP)).toEqual([
    'hardware.mains.online{supply="AC"} 0 count gauge',
    'hardware.battery.charge{battery="BAT0"} 0.81 ratio gauge',
    'hardware.battery.health{battery="BAT0"} 0.85 ratio gauge',
    'hardware.battery.charging{battery="BAT0"} 0 count gauge',
    'hardware.battery.cycles{battery="BAT0"} 212 count gauge',
    'hardware.battery.voltage{battery="BAT0"} 12.1 volts gauge',
    'hardware.battery.power{battery="BAT0"} 6.4 watts gauge',
  ]);
});

test('a driver that counts charge, not energy, and current, not power', async () => {
  const files = supply('BAT1', {
    ...{
      type: 'Battery',
      status: 'Charging',
      charge_full_design: 5_000_000,
      charge_full: 4_000_000,
    },
    ...{ voltage_now: 8_000_000, current_now: -1_500_000, cycle_count: 0 },
  });
  expect(await linesOf(files)).toEqual([
    'hardware.battery.health{battery="BAT1"} 0.8 ratio gauge',
    'hardware.battery.charging{battery="BAT1"} 1 count gauge',
    'hardware.battery.voltage{battery="BAT1"} 8 volts gauge',
    'hardware.battery.power{battery="BAT1"} 12 watts gauge',
  ]);
});

test("a mouse's battery is not the machine's, and others have nothing to tell", async () => {
  const files = {
    ...supply('hidpp_battery_0', { type: 'Battery', scope: 'Device', capacity: 50 }),
    ...supply('BAT1', { type: 'Battery', present: 0, capacity: 50 }),
    ...supply('ucsi', { type: 'USB' }),
    // It says that it is on, and is no mains.
    ...supply('ups', { type: 'UPS', online: 1 }),
  };
  expect(await linesOf(files)).toEqual([]);
});

test('what is no number costs its own supply', async () => {
  const files = { ...LAPTOP, ...supply('AC', { online: 'yes' }) };
  const lines = await linesOf(files);
  expect(lines).toHaveLength(7);
  expect(lines.at(-1)).toBe(
    'ParseError: /sys/class/power_supply/AC/online: "yes" is no whole number',
  );
});

test('whatever its files hold, it observes numbers or says what is wrong', async () => {
  const laptop = remembering(hostWith(LAPTOP)).host;
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.nat(9), async (text, which) => {
      let turn = 0;
      const host = changing(laptop, (_, answer) => {
        turn += 1;
        return turn % 10 === which ? text : answer;
      });
      const run = await collecting(batteries)(0, { host });
      expectSound(batteries, run);
      expect(run.thrown).toBeUndefined();
    }),
  );
});
