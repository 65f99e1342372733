import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Counterpart } from './counterpart.ts';
import type { Settings } from './settings.ts';

/** What programs of one's own say, and leave in files. */
export const programs: Readonly<Record<string, Counterpart>> = {
  UserScriptsCollector: {
    collector: 'exec',
    path: '',
    only: ['collector:script-*'],
    make: scripts,
  },
  FilesCollector: {
    collector: 'textfile',
    path: '',
    only: ['collector:textfile'],
    note: 'Files are read that are called *.out, with "name value" in each line: rename those that Diamond read.',
    options(settings, at) {
      const folder = settings.text('dir') ?? '/tmp/diamond';
      settings.draft.set([...at, 'folders'], [folder], settings.lines('dir'));
      const kept = settings.truth('delete') === false;
      settings.expect('delete', kept, 'files are read and not deleted: stale leaves old ones out');
      under(settings, at);
    },
  },
};

/** A path before the names that programs have. */
function under(settings: Settings, at: readonly string[]): void {
  const path = settings.text('path') ?? '.';
  if (path !== '' && path !== '.') settings.draft.set([...at, 'as'], path, settings.lines('path'));
  settings.draft.carry(settings.lines('path'));
}

/** Each program of the folder, at each tick. */
function scripts(settings: Settings, folder: string): readonly string[] {
  const { draft } = settings;
  const named = settings.text('scripts_path') ?? '/etc/diamond/user_scripts/';
  const beside = join(folder, 'user_scripts');
  const where = existsSync(beside) ? beside : named;
  const made = executables(where).map((script) => {
    const plain = script
      .replace(/\.\w+$/, '')
      .replace(/[^\w-]+/g, '-')
      .replace(/^-+|-+$/g, '');
    let name = `script-${plain}`;
    for (let i = 2; draft.has(['collectors', name]); i += 1) name = `script-${plain}-${i}`;
    const at = ['collectors', name];
    draft.set([...at, 'type'], 'exec');
    draft.set([...at, 'command'], [join(named, script)], settings.lines('scripts_path'));
    under(settings, at);
    return name;
  });
  if (made.length === 0)
    settings.leave(
      `there is no program in ${where} that could be run: cullinan describe exec`,
      'scripts_path',
    );
  settings.leave('numbers are sent as they are said', 'floatprecision');
  return made;
}

function executables(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .sort()
      .filter((name) => isExecutable(join(folder, name)));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
