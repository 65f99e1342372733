/** The manual and the shells' completions, from what the commands and the plugins declare. Pure. */
export { bash } from './bash.ts';
export { configPage } from './config-page.ts';
export type { CommandFacts, Flag, ProgramFacts, Takes, Word } from './facts.ts';
export { fish } from './fish.ts';
export { programPage } from './program-page.ts';
export { zsh } from './zsh.ts';
