/** What other programs on this host say: those that are run, files that they leave, and what they send. */
import type { Observation } from '../metric/index.ts';
import type { Session } from '../plugin/index.ts';
import { FolderSession } from './folder.ts';
import { PushSession } from './push.ts';
import { ProgramSession } from './session.ts';

export { PUSHED } from './dispatch.ts';
export { LINE_FORMATS } from './formats.ts';
export { placeIn } from './listener.ts';
export { percentilesOption, seriesOption, typesOption } from './options.ts';
export type { ProgramOptions } from './session.ts';

/** Runs one program for as long as its collector is configured. */
export function openProgram(): Session {
  return new ProgramSession();
}

/**
 * Reads what programs leave in folders.
 *
 * @param written makes the observation that says when a file was written, in Unix seconds.
 */
export function openFolders(written: (file: string, mtime: number) => Observation): Session {
  return new FolderSession(written);
}

/** Listens for what programs send. */
export function openSockets(): Session {
  return new PushSession();
}
