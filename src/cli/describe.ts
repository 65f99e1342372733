import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { registry } from '../agent/index.ts';
import { configJsonSchema, describeConfig, type Option } from '../config/index.ts';
import {
  allFacts,
  type Beside,
  type CollectorFacts,
  commonParserOptions,
  deliveryOf,
  example,
  type Facts,
  labelled,
  type ParserFacts,
  pluginPage,
} from '../reference/index.ts';
import { hintFor } from './hint.ts';
import { EXIT, type Io, UsageError } from './io.ts';

/**
 * `cullinan describe`: everything a user may want to know of a collector, a handler, a parser or a dialect. The
 * words `collector` and `handler` themselves stand for the options that all of them have, `config` for
 * those of the agent, and `schema` for the JSON Schema of all of it.
 *
 * @param o.type only what is of this type.
 * @param o.markdown as a page, the way the reference has it.
 * @param paths where plugins from outside are: `collector entropy` to its path.
 */
export function describe(
  io: Io,
  name: string,
  { json, markdown, type }: Asked,
  paths: ReadonlyMap<string, string> = new Map(),
): number {
  if (name === 'config' || name === 'collector' || name === 'handler') {
    const options = describeConfig()[name === 'config' ? 'agent' : name];
    const title = name === 'config' ? 'Options of the agent itself' : `Options of every ${name}`;
    if (json) io.out(`${JSON.stringify({ type: 'options', name, options })}\n`);
    else io.out(`${title}\n${options.map(optionText).join('\n')}\n`);
    return EXIT.ok;
  }
  if (name === 'schema') {
    io.out(`${JSON.stringify(configJsonSchema(registry), null, 2)}\n`);
    return EXIT.ok;
  }
  const all = allFacts(registry);
  const found = all.filter((it) => it.name === name && (type ?? it.type) === it.type);
  if (found.length === 0) throw unknown(name, all);
  // A name may be that of a collector and that of a handler or a parser.
  for (const [i, facts] of found.entries()) {
    if (json) io.out(`${JSON.stringify(facts)}\n`);
    else io.out(`${i === 0 ? '' : '\n'}${markdown ? page(facts, paths) : text(facts)}`);
  }
  return EXIT.ok;
}

interface Asked {
  readonly json?: boolean;
  readonly markdown?: boolean;
  readonly type?: Facts['type'];
}

/** A plugin's page: with what its file and its tests tell, where it has a file of its own. */
function page(facts: Facts, paths: ReadonlyMap<string, string>): string {
  if (facts.type === 'dialect') {
    throw new UsageError(`the dialect ${facts.name} has no page: leave --markdown out`);
  }
  const path = paths.get(`${facts.type} ${facts.name}`);
  const evidence =
    path === undefined
      ? { source: '', tests: [] }
      : { source: readFileSync(path, 'utf8'), tests: testsOf(path) };
  return pluginPage(facts, registry, evidence);
}

/** The logs and golden files of `cullinan test`, which stand beside a plugin. */
function testsOf(path: string): readonly Beside[] {
  const folder = `${basename(path, extname(path))}.test`;
  const found: string[] = [];
  try {
    found.push(...readdirSync(join(dirname(path), folder)));
  } catch (error) {
    // It has no tests.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return found
    .filter((name) => /\.(txt|log)$/.test(name))
    .sort()
    .map((name) => ({
      link: `${folder}/${name}`,
      text: readFileSync(join(dirname(path), folder, name), 'utf8'),
    }));
}

function unknown(name: string, all: readonly Facts[]): UsageError {
  const names = [...new Set(all.map((it) => it.name))];
  const hint = hintFor(name, names);
  return new UsageError(`no collector, handler, parser or dialect is called "${name}". ${hint}`);
}

function text(facts: Facts): string {
  switch (facts.type) {
    case 'collector':
      return sections(
        head(facts, facts.enabled ? 'runs unless it is disabled' : 'runs only where configured'),
        `Reads ${facts.source}.`,
        options(facts),
        metrics(facts),
        diamond(facts),
      );
    case 'handler':
      return sections(
        head(facts, `speaks ${facts.dialect} unless told otherwise`),
        deliveryOf(facts),
        options(facts),
      );
    case 'parser':
      return sections(
        head(facts, 'for cull, and for the collector logs'),
        `The format of its lines: ${facts.source}.`,
        parserOptions(facts),
        facts.metrics.length === 0 ? '' : metrics(facts),
      );
    case 'dialect':
      return sections(
        head(facts, 'for every handler, and for once and replay'),
        facts.options.length === 0 ? '' : options(facts),
      );
  }
}

const sections = (...parts: readonly string[]): string =>
  `${parts.filter((part) => part !== '').join('\n\n')}\n`;

const head = ({ name, type, summary }: Facts, more: string): string =>
  `${name} (${type}, ${more})\n${summary}`;

/** Own options, where to find those of its kind, and a configuration with them. */
function options(facts: Exclude<Facts, ParserFacts>): string {
  const own = facts.options.map(optionText).join('\n');
  const more =
    facts.type === 'dialect'
      ? `With none of them, "dialect: ${facts.name}" will do.`
      : `Options of every ${facts.type}: cullinan describe ${facts.type}`;
  const written = example(facts).replace(/^/gm, '  ').trimEnd();
  return `Options\n${own === '' ? '  none of its own' : own}\n\n${more}\n\nExample\n${written}`;
}

/** Own options, those that every parser has, and where they go. */
function parserOptions({ name, options }: ParserFacts): string {
  const own = [...options, ...commonParserOptions()].map(optionText).join('\n');
  const lines = ['collectors:', '  logs:', '    files:', '      - path: /var/log/…'];
  const written = [...lines, `        parser: { name: ${name} }`].map((line) => `  ${line}`);
  return `Options\n${own}\n\nExample\n${written.join('\n')}`;
}

const optionText = (option: Option): string =>
  `  ${option.name}: ${option.type}${defaultText(option)}\n      ${option.help}`;

function defaultText({ required, default: value }: Option): string {
  if (required) return ', required';
  return value === undefined ? '' : `, default ${value}`;
}

function metrics({ metrics }: Pick<CollectorFacts, 'metrics'>): string {
  const lines = metrics.map(({ name, labels, unit, kind, help }) => {
    const all = labels.length === 0 ? '' : `{${labels.join(',')}}`;
    return `  ${name}${all}  ${unit}, ${kind}\n      ${help}`;
  });
  return `Metrics\n${lines.join('\n')}`;
}

function diamond({ diamond: names }: CollectorFacts): string {
  if (names.length === 0) return '';
  const width = Math.max(...names.map(({ path }) => path.length));
  const lines = names.map(
    ({ path, metric, where, sends }) =>
      `  ${path.padEnd(width)}  ${metric}${labelled(where)}: ${sends}`,
  );
  return `In the dialect diamond, below prefix and host\n${lines.join('\n')}`;
}
