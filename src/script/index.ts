/** Files in TypeScript or JavaScript that people write beside the agent: compiled, and loaded as they are. */
export { compile, isScript } from './compile.ts';
export { type Doors, evaluate, whatIsWrong } from './evaluate.ts';
export { type Candidate, find, type Places } from './find.ts';
export { inSource, type Maps } from './places.ts';
