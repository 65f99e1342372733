/**
 * Faults, and that nothing is lost by them: the built program sends to a real server over a link that
 * breaks. Beside it the program writes an archive of all it observes. When the fault is over, the
 * server must have every point of it, no other, and the books must balance.
 *
 * Where nothing is sent again, a fault may cost what was under way: what came before it and what comes
 * after must be there, and nothing twice.
 */
import { afterAll, describe, test } from 'vitest';
import { describeWithPeer } from '../support/peers.ts';
import { FAULTS } from './faults.ts';
import type { Subject } from './subject.ts';

/** Milliseconds, for tests that hang: on a machine that is busy a RabbitMQ takes half a minute to start, and it is started ten times. */
const TIMEOUT = 600_000;

/** A column of the table FAULTS × subjects. */
export function describeFaults(subject: Subject): void {
  const tests = (): void => {
    for (const fault of FAULTS) {
      const { title, underWay = false, leftOut } = fault;
      const why = leftOut?.(subject);
      const loses = subject.repeats || !underWay ? 'nothing' : 'only what is under way';
      const name = `loses ${loses} by ${title}${why === undefined ? '' : ` (left out: ${why})`}`;
      test
        .runIf(why === undefined)
        .concurrent(name, { timeout: TIMEOUT }, () => fault.play(subject));
    }
    afterAll(() => subject.end?.());
  };
  if (subject.needs === undefined) describe(subject.name, tests);
  else describeWithPeer(subject.needs, subject.name, tests);
}
