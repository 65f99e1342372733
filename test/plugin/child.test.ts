import { Foreseen, NoData, runChild, Unresponsive } from 'cullinan/plugin';
import { expect, test } from 'vitest';

const never = new AbortController().signal;
const sh = (script: string, keep?: number) =>
  runChild('sh', ['-c', script], never, keep === undefined ? {} : { keep });

test('of what a program says as much is kept as is asked for', async () => {
  const { code, stdout, stderr } = await sh(
    'yes | head -c 300000; yes | head -c 300000 >&2; exit 3',
    1000,
  );
  expect([code, stdout.length, stderr.length]).toEqual([3, 1000, 64 * 1024]);
  expect((await sh('yes | head -c 300000')).stdout).toHaveLength(64 * 1024);
});

test('one that was killed is not started again before the kernel has let go of it', async () => {
  const deadline = new AbortController();
  const first = runChild('sleep', ['1000'], deadline.signal);
  deadline.abort();
  const second = runChild('sleep', ['1000'], never);
  await expect(first).rejects.toEqual(new Unresponsive('sleep did not answer in time'));
  await expect(second).rejects.toEqual(new Unresponsive('sleep still does not answer'));
  // Then it would be started, if there were time.
  const late = AbortSignal.abort();
  await expect
    .poll(() => runChild('sleep', ['1000'], late).catch(({ message }: Error) => message))
    .toBe('sleep was not asked in time');
});

test('one that is not there, and one that may not be started', async () => {
  await expect(runChild('no-such-program', [], never)).rejects.toBeInstanceOf(NoData);
  await expect(runChild('/etc/passwd', [], never)).rejects.toBeInstanceOf(Foreseen);
});
