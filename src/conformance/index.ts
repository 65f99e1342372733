/** What every plugin has to bear: the checks of `cullinan test`, which the built-in ones pass, too. */
export { type Check, inTime, Unfit } from './check.ts';
export {
  type CollectorRun,
  collecting,
  collectorChecks,
  idleAgent,
  observationLine,
  observedText,
  type Recording,
  recordingIn,
  reported,
} from './collector.ts';
export { handlerChecks } from './handler.ts';
export { changing, refusing, remembering } from './host.ts';
export { parserChecks, parserText } from './parser.ts';
