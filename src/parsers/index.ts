/** A door for collectors, `cullinan/parsers`: every parser of logs that the program is built with. */
export { type ChosenParser, parserOption } from './choice.ts';
export { parsers } from './list.ts';
