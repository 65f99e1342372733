/** What other programs on this host say: those that are run, files that they leave, and what they send. */
export { PUSHED } from './dispatch.ts';
export { FolderSession } from './folder.ts';
export { LINE_FORMATS } from './formats.ts';
export { placeIn } from './listener.ts';
export { PushSession } from './push.ts';
export { type ProgramOptions, ProgramSession } from './session.ts';
