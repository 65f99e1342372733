import { randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { convert, type Imported, InputError, importers } from '../import/index.ts';
import { codeOf } from '../plugin/index.ts';
import { EXIT, type Io, listed, UsageError } from './io.ts';

/** More would scroll away; all of it stands in the configuration. */
const MOST_SHOWN = 20;

/**
 * `cullinan import`: writes a configuration that does what another agent's does, with every line that
 * could not be carried over as a comment at its end.
 *
 * Exit codes: 78 if the input cannot be read or understood, 1 if the output cannot be written.
 */
export async function importFrom(
  io: Io,
  from: string,
  words: readonly string[],
  { output, force = false }: { output?: string; force?: boolean },
): Promise<number> {
  const open = importers.get(from);
  if (open === undefined) {
    const known = listed([...importers.keys()]);
    throw new UsageError(`there is nothing to import from "${from}", only from ${known}`);
  }
  const importer = await open();
  if (importer.words !== undefined && words.length !== importer.words) {
    throw new UsageError(`cullinan import ${from} takes ${importer.takes}, and nothing else`);
  }
  let imported: Imported;
  try {
    imported = convert(importer, words);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    io.err(`cullinan: ${error.message}\nNothing was written.\n`);
    return EXIT.configuration;
  }
  if (output === undefined) io.out(imported.anybodys);
  else write(output, imported, force);
  io.err(summary(imported, output));
  return EXIT.ok;
}

/** Never a file that is half written, and none over another unless that is wanted. */
function write(output: string, { owners, secrets, configuration }: Imported, force: boolean): void {
  const made = `${output}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(made, owners, { mode: secrets || !configuration ? 0o600 : 0o644, flag: 'wx' });
    if (force) renameSync(made, output);
    else linkSync(made, output);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new UsageError(`${output} is there already. Name another file, or add --force.`);
  } finally {
    rmSync(made, { force: true });
  }
}

function summary(
  { lines, carried, left, secrets, configuration }: Imported,
  output: string | undefined,
): string {
  const said = [`Carried over ${carried} of ${lines} lines.`];
  if (left.length > 0) {
    said.push('Not carried over:');
    for (const { line, why } of left.slice(0, MOST_SHOWN)) said.push(`  ${line}\n    ${why}`);
    const more = left.length - MOST_SHOWN;
    said.push(
      `${more > 0 ? `  … and ${more} more.\n` : ''}Each of them is a comment in what was written.`,
    );
  }
  if (!configuration) {
    if (output !== undefined) said.push(`Wrote ${output}.`);
  } else if (output !== undefined) {
    const mode = secrets
      ? ' It has passwords in it, so only its owner may read it (mode 0600).'
      : '';
    said.push(
      `Wrote ${output}.${mode}`,
      `See what would be sent: cullinan check --config ${output}`,
    );
  } else if (secrets) {
    said.push(
      'Passwords are not printed: put each into the file that the configuration names, or write them into it with --output FILE.',
    );
  }
  return `${said.join('\n')}\n`;
}
