/** A door for collectors, `cullinan/parsers`: every parser of logs that the program is built with. */
export { type ChosenParser, choose } from './around.ts';
export { parserOption } from './choice.ts';
export { bringParsers, parsers } from './list.ts';
export {
  isOwn,
  type OwnNumber,
  type OwnParser,
  type OwnParsing,
  ownParser,
  parserFrom,
} from './own.ts';
