/** Looks for what operators get wrong, and says the remedy. */
export { type Collected, examine } from './doctor.ts';
export { type Finding, problem, warning } from './finding.ts';
export { output } from './output.ts';
