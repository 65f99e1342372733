import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { checkClock } from '../../src/doctor/clock.ts';

const PATH = process.env['PATH'];
afterEach(() => {
  process.env['PATH'] = PATH;
});

/** Puts a chronyc that answers so in the place of this host's. */
function chronyc(script: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-chronyc-'));
  writeFileSync(join(folder, 'chronyc'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'chronyc'), 0o755);
  process.env['PATH'] = `${folder}:${PATH}`;
}

/** As `chronyc -c -n tracking` of chrony 4.3 prints it. */
const tracking = (off: string, leap = 'Normal'): string =>
  `echo 'A29FC801,192.0.2.1,4,1795270000.123456789,${off},0.000003,0.000021,-11.3,0.001,0.02,0.011,0.0006,64.8,${leap}'`;

const asked = async () => await checkClock({ ntp: undefined, peers: [] });

describe('a clock that chrony keeps', () => {
  test.each([
    ['0.000004210', 'ok', /0\.000 s/],
    ['-0.900000000', 'ok', /0\.900 s/],
    ['2.500000000', 'warning', /2\.500 s/],
    ['-31.000000000', 'problem', /31\.000 s/],
  ])('%s s off', async (off, verdict, found) => {
    chronyc(tracking(off));
    expect(await asked()).toEqual([
      expect.objectContaining({ verdict, subject: 'chrony', found: expect.stringMatching(found) }),
    ]);
  });

  test('that has found no time yet', async () => {
    chronyc(tracking('0.000000000', 'Not synchronised'));
    expect(await asked()).toEqual([
      expect.objectContaining({ verdict: 'warning', remedy: expect.stringContaining('sources') }),
    ]);
  });

  test('whose daemon does not run: nothing is made up', async () => {
    chronyc("echo '506 Cannot talk to daemon'; exit 1");
    // systemd's word for it, or that nothing says it.
    const findings = await asked();
    expect(findings).toMatchObject([{ check: 'clock', found: expect.any(String) }]);
    expect(findings[0]?.subject).not.toBe('chrony');
  });
});

test('peers whose clock is another', async () => {
  chronyc('exit 1');
  const peers = [
    { name: 'a', ahead: 900 },
    { name: 'b', ahead: -4000 },
    { name: 'c', ahead: 3_600_000 },
  ];
  const findings = await checkClock({ ntp: undefined, peers });
  const told = findings.filter(({ subject }) => subject?.startsWith('Date of ') === true);
  expect(told.map(({ verdict, found }) => [verdict, found])).toEqual([
    ['ok', "this host's clock is 1 s behind"],
    ['warning', "this host's clock is 4 s ahead"],
    ['problem', "this host's clock is 3600 s behind"],
  ]);
});
