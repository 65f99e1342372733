import { expect, onTestFinished, test, vi } from 'vitest';
import { Intake } from '../../src/programs/intake.ts';
import { Resident, type ResidentOptions } from '../../src/programs/resident.ts';
import { SimulatedClock } from '../support/clock.ts';

/** One that says nothing, on a clock that stands still. */
function mute(options: Partial<ResidentOptions>) {
  const command = ['sleep', '1000'];
  const it = { command, folder: '/', environment: {}, series: 10, ...options };
  const intake = new Intake({ most: 10, prefix: undefined, own: 'web01' });
  const clock = new SimulatedClock();
  const resident = new Resident(it, command, {}, intake, () => ({ read() {} }), clock);
  onTestFinished(async () => {
    clock.advance(10_000);
    const closed = resident.close();
    clock.advance(10_000);
    await closed;
  });
  return { resident, clock };
}

const said = (resident: Resident) => [...resident.troubles()].map(({ message }) => message);

test.each([undefined, 'stdin'] as const)(
  'one that says nothing is waited for no longer than until the deadline (trigger %s)',
  async (trigger) => {
    const { resident } = mute({ trigger });
    const deadline = new AbortController();
    const answered = resident.tick(deadline);
    deadline.abort();
    await answered;
    expect(said(resident)).toEqual([]);
  },
);

test('one that was killed for its silence is not started again before it has ended', async () => {
  const { resident, clock } = mute({ silence: 1000 });
  const over = { signal: AbortSignal.abort() };
  void resident.tick(over);
  clock.advance(1000);
  expect(resident.tick(over)).toBeUndefined();
  expect(said(resident)).toEqual(['sleep has said nothing for 1 s, and is started anew']);
  // Nobody could hear of its end by now.
  clock.advance(1000);
  expect(resident.tick(over)).toBeUndefined();
  expect(said(resident)).toEqual([
    'sleep was killed and has not ended: it is not started again before it has',
  ]);
  await vi.waitFor(() => expect(resident.tick(over)).toBeDefined());
});
