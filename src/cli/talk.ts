import { writeSync } from 'node:fs';
import { codeOf } from '../plugin/index.ts';

/** Characters that wait for a reader of standard error who has fallen behind. */
const MOST_WAITING = 64 * 1024;
let waiting = '';

/**
 * Writes to standard error at once, so that the last words of a dying process are there. Nobody may
 * be hurt by who reads it: for a reader that is gone it says nothing, and for one that stalls it
 * keeps the latest words until there is room.
 */
export function talk(text: string): void {
  waiting = (waiting + text).slice(-MOST_WAITING);
  try {
    while (waiting !== '') {
      const bytes = Buffer.from(waiting);
      const written = writeSync(2, bytes);
      waiting = bytes.subarray(written).toString();
    }
  } catch (error) {
    if (codeOf(error) !== 'EAGAIN') waiting = '';
  }
}
