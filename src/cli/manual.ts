/**
 * Writes the manual and the shells' completions, for the packages: `node dist/src/cli/manual.js FOLDER`.
 *
 * $SOURCE_DATE_EPOCH is the time in seconds that the pages bear, $CULLINAN_VERSION the version.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argument, Command, Option } from 'commander';
import { registry } from '../agent/index.ts';
import { importers } from '../import/index.ts';
import {
  bash,
  type CommandFacts,
  configPage,
  type Flag,
  fish,
  type ProgramFacts,
  programPage,
  type Takes,
  type Word,
  zsh,
} from '../manual/index.ts';
import { FORMATS } from '../names/index.ts';
import { LOG_LEVELS } from '../status/index.ts';
import { commandLine, examplesOf } from './program.ts';
import { templates } from './templates.ts';
import { version } from './version.ts';

const words = (...all: readonly string[]): Takes => ({ kind: 'words', words: all });
const collectors = [...registry.collectors.keys()];
const handlers = [...registry.handlers.keys()];
const parsers = [...registry.parsers.keys()];
const dialects = [...registry.dialects.keys()];
/** Pages of `describe` that are of no plugin. */
const pages = ['config', 'schema', 'collector', 'handler'];

/** What completes a value, by what it is called; with its option or its command in front, where that decides. */
const TAKES: Readonly<Record<string, Takes>> = {
  file: { kind: 'file' },
  path: { kind: 'file' },
  old: { kind: 'file' },
  new: { kind: 'file' },
  folder: { kind: 'folder' },
  directory: { kind: 'folder' },
  collector: words(...collectors),
  handler: words(...handlers),
  parser: words(...parsers),
  'dialect name': words(...dialects),
  'parser name': words(...parsers),
  'handler name': words(...handlers),
  'describe name': words(...collectors, ...handlers, ...parsers, ...dialects, ...pages),
  'new kind': words(...Object.keys(templates)),
  'format format': words(...Object.keys(FORMATS)),
  'new-format format': words(...Object.keys(FORMATS)),
  'import from': words(...importers.keys()),
  'log level': words(...LOG_LEVELS, 'configured'),
  'graphite-protocol protocol': words('tcp', 'udp'),
  'output name': words('stdout', 'graphite', 'statsd', 'ganglia'),
};

const takes = (of: string, name: string): Takes =>
  TAKES[`${of} ${name}`] ?? TAKES[name] ?? { kind: 'text' };

function flag(option: Option): Flag {
  const name = /[<[](.*?)(?:\.{3})?[>\]]/.exec(option.flags)?.[1];
  return {
    short: option.short,
    long: option.long ?? '',
    value:
      name === undefined ? undefined : { name, takes: takes((option.long ?? '').slice(2), name) },
    help: option.description,
    default: typeof option.defaultValue === 'string' ? option.defaultValue : undefined,
  };
}

const word = (command: string, argument: Argument): Word => ({
  name: argument.name(),
  required: argument.required,
  variadic: argument.variadic,
  help: argument.description,
  takes: takes(command, argument.name()),
});

const facts = (command: Command): CommandFacts => ({
  name: command.name(),
  summary: command.description(),
  words: command.registeredArguments.map((argument) => word(command.name(), argument)),
  flags: command.options.filter(({ hidden }) => !hidden).map(flag),
  examples: examplesOf(command.name()),
});

const nobody = {
  environment: {},
  out: () => {},
  outDone: async () => {},
  err: () => {},
  outIsTerminal: false,
  errIsTerminal: false,
};
const { program } = commandLine(nobody, async () => {});
const described: ProgramFacts = {
  summary: program.description(),
  version: process.env['CULLINAN_VERSION'] ?? version(),
  commands: program.commands.map(facts),
};
const seconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? Date.now() / 1000);
const date = new Date(seconds * 1000).toISOString().slice(0, 10);
const folder = process.argv[2] ?? '.';
mkdirSync(folder, { recursive: true });
for (const [name, page] of [
  ['cullinan.1', programPage(described, date)],
  ['cullinan.yaml.5', configPage(registry, described.version, date)],
  ['cullinan.bash', bash(described)],
  ['_cullinan', zsh(described)],
  ['cullinan.fish', fish(described)],
] as const) {
  writeFileSync(join(folder, name), page);
}
