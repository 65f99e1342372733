/** What other programs on this host say: those that are run, files that they leave, and what they send. */
export { LINE_FORMATS } from './formats.ts';
export { type ProgramOptions, ProgramSession } from './session.ts';
