import { registry } from '../agent/index.ts';
import { allFacts, type Facts } from '../reference/index.ts';
import { EXIT, type Io } from './io.ts';
import { bringPlugins } from './plugins.ts';

const TITLES = {
  collector: 'Collectors',
  handler: 'Handlers',
  parser: 'Parsers of logs',
  dialect: 'Dialects',
} as const;

/** `cullinan list`: every collector, handler, parser and dialect with what it is for. */
export async function list(
  io: Io,
  { json, config }: { json?: boolean; config?: string },
): Promise<number> {
  await bringPlugins(io, config);
  const facts = allFacts(registry);
  if (json) {
    const of = (type: Facts['type']) => facts.filter((it) => it.type === type).map(shortly);
    const [collectors, handlers] = [of('collector'), of('handler')];
    const [parsers, dialects] = [of('parser'), of('dialect')];
    io.out(`${JSON.stringify({ collectors, handlers, parsers, dialects })}\n`);
    return EXIT.ok;
  }
  const width = Math.max(...facts.map(({ name }) => name.length));
  let section: string | undefined;
  for (const it of facts) {
    if (it.type !== section) io.out(`${section === undefined ? '' : '\n'}${TITLES[it.type]}\n`);
    section = it.type;
    const off = it.type === 'collector' && !it.enabled ? ' (off unless configured)' : '';
    io.out(`  ${it.name.padEnd(width)}  ${it.summary}${off}\n`);
  }
  io.err('\nTry: cullinan describe <name>\n');
  return EXIT.ok;
}

const shortly = (it: Facts) =>
  it.type === 'collector'
    ? { name: it.name, summary: it.summary, enabled: it.enabled }
    : { name: it.name, summary: it.summary };
