/** The reference: what the plugins declare, written for people and for editors. Pure. */
export { diamondNames } from './diamond.ts';
export {
  allFacts,
  type CollectorFacts,
  commonParserOptions,
  type Facts,
  type ParserFacts,
  type Plugins,
} from './facts.ts';
export { generatedFiles } from './files.ts';
export { guestsTable } from './guests.ts';
export { fill, table } from './markdown.ts';
export { deliveryOf, labelled } from './pages.ts';
export { type Beside, pluginPage } from './plugin-page.ts';
export { example } from './sample.ts';
export { builtinSource } from './sources.ts';
