import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { scratch } from './support/agent.ts';
import { collectorAt } from './support/foreign-programs.ts';
import { describeWithPeer } from './support/peers.ts';

interface Example {
  readonly format: string;
  /** A script, and the path that it has on the page. */
  readonly script: readonly [path: string, text: string] | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  readonly dialect: string;
  readonly lines: readonly string[];
}

const page = readFileSync(fileURLToPath(new URL('../docs/exec.md', import.meta.url)), 'utf8');

function exampleOf(section: string): Example[] {
  const block = (kind: string) =>
    new RegExp(`^\`\`\`${kind}(.*)\\n([^]*?)^\`\`\`$`, 'm').exec(section);
  const [, , written] = block('yaml') ?? [];
  const [, dialect = '', printed = ''] = block('text') ?? [];
  if (written === undefined) return [];
  const { collectors } = parse(written) as { collectors: Record<string, Example['options']> };
  const [options = {}] = Object.values(collectors);
  const text = block('sh')?.[2];
  const path = /^# (\/\S+)$/m.exec(text ?? '')?.[1] ?? '';
  return [
    {
      format: String(options['format'] ?? 'plain'),
      script: text === undefined ? undefined : [path, text],
      options,
      dialect: dialect.trim(),
      lines: printed.trimEnd().split('\n'),
    },
  ];
}

const examples = page.split(/^## /m).flatMap(exampleOf);

async function follow({ script, options, dialect, lines }: Example): Promise<void> {
  let text = JSON.stringify(options);
  if (script !== undefined) {
    const [path, source] = script;
    const file = join(scratch(), path.split('/').at(-1) ?? '');
    writeFileSync(file, source);
    chmodSync(file, 0o755);
    text = text.replaceAll(path, file);
  }
  const { type: _, ...given } = JSON.parse(text) as Example['options'];
  const world = collectorAt('exec', given);
  let said: readonly string[] = [];
  while (said.filter((line) => line !== '').length === 0) {
    await world.tick();
    said = world.lines(dialect);
    await sleep(5);
  }
  const without = (line: string) => line.replace(/ \S+$/, '');
  expect(world.troubles()).toEqual([]);
  // Numbers of this machine are others.
  if (script === undefined) expect(said.map(without)).toEqual(lines.map(without));
  else expect(said).toEqual(lines);
}

describe('every example of docs/exec.md does what is printed under it', () => {
  test('there is one for each form', () => {
    expect(examples.map(({ format }) => format)).toEqual([
      ...[
        'plain',
        'collectd',
        'nagios',
        'munin',
        'influx',
        'prometheus',
        'statsd',
        'json',
        'netdata',
      ],
    ]);
  });

  test.each(examples.filter(({ script }) => script !== undefined))('$format', follow);
});

describeWithPeer(
  ['munin-plugins', 'monitoring-plugins'],
  'and those with plugins of Debian',
  () => {
    test.each(examples.filter(({ script }) => script === undefined))('$format', follow);
  },
);
