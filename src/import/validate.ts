import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { registry } from '../agent/index.ts';
import { ConfigError, loadConfig } from '../config/index.ts';
import type { Draft } from './draft.ts';
import { InputError } from './problem.ts';
import { render } from './render.ts';

/** Each turn takes a key away, and no draft has so many. */
const MOST_TURNS = 10_000;
/** The agent reads no larger file. */
const MOST_BYTES = 1024 * 1024;

/**
 * Has the agent's own loader read the draft, and takes away what it refuses: what an importer writes
 * always loads. The lines that a refused key came from are left, with what the loader said.
 *
 * @throws {@link InputError} if there is too much of it.
 */
export function validate(draft: Draft): void {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
  try {
    for (let turn = 0; turn < MOST_TURNS; turn += 1) {
      const error = refusal(draft, join(folder, 'cullinan.yaml'));
      if (error === undefined) return;
      if (!dropRefused(draft, error)) throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function refusal(draft: Draft, path: string): ConfigError | undefined {
  const text = render(draft, 'check');
  if (Buffer.byteLength(text) > MOST_BYTES) {
    throw new InputError(
      { file: draft.lines[0]?.file ?? 'what was read' },
      `its ${draft.lines.length} lines come to more than 1 MiB, which the agent does not read`,
      'Import its files one by one, or a part of it.',
    );
  }
  writeFileSync(path, text, { mode: 0o600 });
  try {
    loadConfig({ path, registry, environment: {}, defaultHandlers: {} });
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Takes away what a refusal is about; whether there was anything. */
function dropRefused(draft: Draft, { problems }: ConfigError): boolean {
  const text = render(draft, 'check');
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  let dropped = false;
  for (const { line, column, message, remedy } of problems) {
    if (line === undefined || column === undefined) continue;
    const offset = (counter.lineStarts[line - 1] ?? 0) + column - 1;
    const path = pathAt(document.contents, offset).filter(
      (_, index, all) => index === 0 || draft.has(all.slice(0, index + 1)),
    );
    if (path.length === 0 || !draft.has(path)) continue;
    draft.drop(path, `cullinan refuses it: ${message}${remedy === undefined ? '' : `; ${remedy}`}`);
    dropped = true;
  }
  return dropped;
}

/** The keys that lead to what stands at an offset. */
function pathAt(node: unknown, offset: number): string[] {
  if (!isMap(node)) return [];
  for (const { key, value } of node.items) {
    if (!isScalar(key) || key.range == null) continue;
    const range = (value as { range?: [number, number, number] } | null)?.range;
    const end = range?.[2] ?? key.range[2];
    if (offset >= key.range[0] && offset < Math.max(end, key.range[2])) {
      return [String(key.value), ...(offset < key.range[1] ? [] : pathAt(value, offset))];
    }
  }
  return [];
}
