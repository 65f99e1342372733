import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Parser, z } from 'cullinan/plugin';
import { parsing } from './parsers.ts';

const run = promisify(execFile);

/** What awk counts in a log, as it prints it: `name number` a line. */
export async function awk(log: Uint8Array, program: string): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-awk-'));
  try {
    writeFileSync(join(folder, 'log'), log);
    const { stdout } = await run('awk', [program, join(folder, 'log')], { env: { LC_ALL: 'C' } });
    return Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a parser reports of one metric, by the value of its only label, or by its name. */
export function reported<O extends z.ZodType>(
  parser: Parser<O>,
  options: unknown,
  log: Uint8Array,
): (metric: string) => Record<string, number> {
  const { observations, known, lines } = parsing(parser, options)(log, 10);
  return (name) => {
    if (name === 'known') return { known, lines };
    const found = observations.filter(({ metric, value }) => metric.name === name && value !== 0);
    return Object.fromEntries(
      found.map(({ labels, value }) => [Object.values(labels)[0] ?? name, value]),
    );
  };
}
