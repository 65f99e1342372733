import { Fault } from '../plugin/index.ts';
import type { Why } from './thread.ts';

const MiB = 2 ** 20;
const STOPPED = 'its thread was stopped, and is started anew when it is due again';

/** What a plugin did, and what to do about it. */
export function faultOf(why: Why, who: string): Fault {
  switch (why.kind) {
    case 'blocked':
      return new Fault(
        `${who} kept its thread busy for more than ${why.seconds} s: ${STOPPED}`,
        'Look for a loop without an end, or for work to be split up with await; plugins.block says how long is too long.',
      );
    case 'hung':
      return new Fault(
        `${who} did not come back at its deadline, when its signal was aborted: ${STOPPED}`,
        'Hand context.signal on to whatever it waits for, or give it more time with timeout.',
      );
    case 'memory':
      return new Fault(
        `${who} took more than ${Math.round(why.bytes / MiB)} MiB of memory: ${STOPPED}`,
        'Look for what it keeps from one collection to the next; plugins.memory says how much it may have.',
      );
    case 'growth':
      return new Fault(
        `${who} kept its thread busy while the agent's memory grew by ${Math.round(why.bytes / MiB)} MiB: ${STOPPED}`,
        'Look for a loop that allocates; plugins.memory says how much memory it may have.',
      );
    case 'exit':
      return new Fault(
        `${who} ended its thread (${why.what}): ${STOPPED}`,
        'Throw an error in place of it: the process is not its own.',
      );
    case 'unhandled':
      return new Fault(
        `${who} threw where nobody could catch it: ${said(why.error)}: ${STOPPED}`,
        'Await every promise, and catch what is thrown in timers and event listeners.',
      );
  }
}

/** Each thread more that waits for the same would take another of the few that Node has for files and names. */
export const stuck = (who: string): Fault =>
  new Fault(
    `${who} is not asked while its thread, which was stopped, has not ended: it may wait for a file on a mount that hangs, a pipe or a program`,
    'Read what may hang with a program that can be killed, as execFile of node:child_process runs it, with context.signal; or let the collector exec run one.',
  );

/** It is not started again. */
export const offBecause = (who: string, times: number, { message, remedy }: Fault): Fault =>
  new Fault(
    `${who} is switched off until its file changes or the agent starts again, after ${times} faults within an hour. The last: ${message.split(`: ${STOPPED}`)[0]}`,
    remedy,
  );

/** Message, and the first line of the stack that says where. */
function said({ message, stack = '' }: Error): string {
  const at = stack
    .split('\n')
    .find((line) => /^\s+at .*:\d+:\d+\)?$/.test(line) && !line.includes('node:'));
  return at === undefined ? message : `${message} (${at.trim().replace(/^at .*\(|^at |\)$/g, '')})`;
}
