import { parse } from 'yaml';

/** Reads what is written as in the configuration. A file of its own, because few runs need it. */
export const parseYaml = (text: string): unknown => parse(text);
