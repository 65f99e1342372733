import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { beforeAll, expect, test } from 'vitest';
import { keepCode } from '../../scripts/package/code.mjs';
import { WORDS } from '../../scripts/package/program.mjs';
import { EXIT } from '../../src/cli/io.ts';
import { packages } from '../support/packages.ts';
import { describeWithPeer } from '../support/peers.ts';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const MB = 1_000_000;

/** The first bytes of the code of each part, as scripts/launch.cjs keeps it. */
function marks(code: Buffer): ReadonlyMap<string, string> {
  let at = 4 + code.readUInt32LE(0);
  const list: readonly [string, number][] = JSON.parse(code.toString('latin1', 4, at));
  return new Map(
    list.map(([part, length]) => {
      const begin = Math.ceil(at / 8) * 8;
      at = begin + length;
      return [part, code.toString('hex', begin, begin + 20)];
    }),
  );
}

describeWithPeer(
  ['gcc', 'rpm', 'other-machine', 'lintian', 'rpmlint', 'man', 'shells'],
  'the packages',
  () => {
    let deb: string;
    let rpm: string;
    /** What the deb installs. */
    let root: string;
    /** Its files and links; folders end with a slash. */
    let listed: readonly string[];
    let program: string;

    beforeAll(async () => {
      ({ deb, rpm } = await packages());
      root = await mkdtemp(join(tmpdir(), 'root-'));
      await run('dpkg-deb', ['-x', deb, root]);
      const { stdout } = await run('sh', ['-c', `dpkg-deb --fsys-tarfile ${deb} | tar -t`], {
        maxBuffer: MB,
      });
      listed = stdout.split('\n').map((line) => line.replace(/^\.\//, ''));
      program = join(root, 'usr/lib/cullinan/program/cullinan');
    });

    const text = async (path: string) => {
      const bytes = await readFile(join(root, path));
      return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    };

    test('hold what an installed daemon needs, and nothing else', () => {
      const outside = listed.filter((path) => !path.startsWith('usr/lib/cullinan/program/'));
      expect(outside.filter((path) => !path.endsWith('/') && path !== '').sort()).toEqual([
        'etc/cullinan/cullinan.yaml',
        'usr/bin/cullinan',
        'usr/lib/systemd/system/cullinan.service',
        'usr/lib/sysusers.d/cullinan.conf',
        'usr/lib/tmpfiles.d/cullinan.conf',
        'usr/share/bash-completion/completions/cullinan',
        'usr/share/cullinan/cullinan.schema.json',
        'usr/share/doc/cullinan/changelog.Debian.gz',
        'usr/share/doc/cullinan/changelog.gz',
        'usr/share/doc/cullinan/copyright',
        'usr/share/doc/cullinan/sbom.cdx.json.gz',
        'usr/share/doc/cullinan/third-party-licences.gz',
        'usr/share/fish/vendor_completions.d/cullinan.fish',
        'usr/share/lintian/overrides/cullinan',
        'usr/share/man/man1/cullinan.1.gz',
        'usr/share/man/man5/cullinan.yaml.5.gz',
        'usr/share/zsh/vendor-completions/_cullinan',
      ]);
      expect(listed).toContain('etc/cullinan/conf.d/');
      expect(listed).toContain('etc/cullinan/plugins/');
    });

    test('are small: the deb at most 35 MB, installed at most 120 MB', async () => {
      expect((await stat(deb)).size).toBeLessThan(35 * MB);
      expect((await stat(rpm)).size).toBeLessThan(35 * MB);
      const { stdout } = await run('du', ['--summarize', '--block-size=1', root]);
      expect(Number(stdout.split('\t')[0])).toBeLessThan(120 * MB);
    });

    test('lintian and rpmlint have nothing to say that is not answered in place', async () => {
      const lint = run('lintian', ['--fail-on=error,warning', '--allow-root', deb]);
      const words = ['--config', 'packaging/rpm/rpmlint.toml', rpm];
      const [debian, redHat] = await Promise.all([lint, run('rpmlint', words)]);
      expect(debian.stdout).toBe('');
      expect(redHat.stdout).toContain(' 0 errors, 0 warnings');
    });

    test('the program runs with the runtime that it brings, and the code that V8 kept', async () => {
      const { stdout } = await run(program, ['once', 'load', '--over', '0s'], { env: {} });
      expect(stdout).toContain('system.cpu.load_average.1m ');
      const folder = join(root, 'usr/lib/cullinan/program');
      // V8 takes back what bears the marks of what it would make itself: of its version, of its flags and of
      // the text.
      const own = await mkdtemp(join(tmpdir(), 'code-'));
      const env = { CULLINAN_KEEP_CODE: own };
      await run(program, ['once', 'load', '--over', '0s'], { env });
      const fresh = marks(await readFile(join(own, 'program.code')));
      const kept = marks(await readFile(join(folder, 'program.code')));
      const both = [...fresh.keys()].filter((part) => kept.has(part));
      expect(both).toContain('core.js');
      for (const part of both) expect(kept.get(part)).toBe(fresh.get(part));
      const lts = await run(join(folder, 'node'), ['-p', 'process.release.lts']);
      expect(lts.stdout).toMatch(/^[A-Z]/);
    });

    test('the code that is kept does not tell whether a peer answered sooner', async () => {
      // The agent waits for signals when its first points should be on their way: before it is connected, or after.
      const [soon, late] = await Promise.all(
        ['-1', '99'].map(async (wait) => {
          const folder = await mkdtemp(join(tmpdir(), 'program-'));
          await cp(join(root, 'usr/lib/cullinan/program'), folder, { recursive: true });
          const text = await readFile(join(folder, 'program.cjs'), 'latin1');
          expect(text).toContain('POINTS_FIRST=50');
          const changed = text.replace('POINTS_FIRST=50', `POINTS_FIRST=${wait}`);
          await writeFile(join(folder, 'program.cjs'), changed, 'latin1');
          await keepCode({ root: process.cwd(), node: [join(folder, 'node'), ...WORDS], folder });
          const code = await readFile(join(folder, 'program.code'));
          await rm(folder, { recursive: true });
          return code;
        }),
      );
      expect(late?.length).toBe(soon?.length);
      expect(late?.filter((byte, at) => byte !== soon?.[at])).toEqual(Buffer.from([99]));
    });

    test('the default configuration is every key, commented out, and is one that loads', async () => {
      const config = join(root, 'etc/cullinan/cullinan.yaml');
      const { stderr } = await run(program, ['check', '--config', config], { env: {} });
      expect(stderr).toContain('The configuration is fine');
    });

    test('the list of what is in them is one by CycloneDX, and each part has its licence', async () => {
      const list = JSON.parse(await text('usr/share/doc/cullinan/sbom.cdx.json.gz'));
      const library = require.resolve('@cyclonedx/cyclonedx-library/package.json');
      const schema = async (name: string) =>
        JSON.parse(
          await readFile(join(library, '../res/schema', `${name}.SNAPSHOT.schema.json`), 'utf8'),
        );
      const ajv = new Ajv({ strict: false, validateFormats: false });
      formats.default(ajv);
      for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs']) {
        const id = `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`;
        ajv.addSchema(await schema(name), id);
      }
      expect(ajv.validate(await schema('bom-1.6'), list), ajv.errorsText()).toBe(true);

      const names = list.components.map(
        ({ group, name }: { group?: string; name: string }) =>
          (group === undefined ? '' : `${group}/`) + name,
      );
      // The runtime, what is bundled, what is loaded late, and what that needs.
      const expected = ['node', 'zod', 'yaml', 're2js', 'readable-stream'];
      expect(names).toEqual(expect.arrayContaining(expected));
      expect(names).not.toContain('vitest');
      const licences = await text('usr/share/doc/cullinan/third-party-licences.gz');
      const copyright = await text('usr/share/doc/cullinan/copyright');
      for (const name of names) {
        expect(licences).toMatch(new RegExp(`^${name} \\d.* \\(.+\\)$`, 'm'));
        expect(copyright).toContain(`  ${name} `);
      }
      expect(licences).toContain('Permission is hereby granted');
      expect(licences).toContain('- OpenSSL, located at deps/openssl');
    });

    test('the pages of the manual are rendered without a warning, and say every option', async () => {
      const pages = { 'man1/cullinan.1.gz': 'cull', 'man5/cullinan.yaml.5.gz': 'handlers' };
      for (const [path, word] of Object.entries(pages)) {
        const page = join(root, 'usr/share/man', path);
        const env = { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '80' };
        const { stdout, stderr } = await run('man', ['--warnings', '-E', 'UTF-8', '-l', page], {
          env,
        });
        expect(stderr).toBe('');
        expect(stdout).toContain(word);
      }
      const yaml = await text('usr/share/man/man5/cullinan.yaml.5.gz');
      for (const name of ['queue.spool.size', 'perCpu', 'shutdown.timeout', 'groups.NAME.exe']) {
        expect(yaml).toContain(`.TP\n\\fB${name}\\fR`);
      }
      const program = await text('usr/share/man/man1/cullinan.1.gz');
      for (const code of Object.values(EXIT)) expect(program).toContain(`.TP\n\\fB${code}\\fR`);
      const { stdout: help } = await run(join(root, 'usr/bin/cullinan'), ['help']);
      const commands = help.slice(help.indexOf('Commands:'));
      for (const [, command = ''] of commands.matchAll(/^ {2}([a-z-]+) /gm)) {
        if (command === 'help') continue;
        expect(program).toContain(`.SS "cullinan ${command.replaceAll('-', '\\-')}`);
      }
    });

    /** A line as it is typed so far, and something that is offered. */
    const TYPED: readonly (readonly [string, string])[] = [
      ['cullinan st', 'status'],
      ['cullinan describe graph', 'graphite'],
      ['cullinan new coll', 'collector'],
      ['cullinan diff-names --format gmo', 'gmond'],
      ['cullinan once --dialect ot', 'otel'],
      ['cullinan once --dialect otel mem', 'memory'],
      ['cullinan run --conf', '--config'],
      ['cullinan run --config /etc/host', '/etc/hostname'],
      ['cullinan cull acc', 'access'],
      ['cullinan cull access /etc/host', '/etc/hostname'],
    ];

    test('bash completes it', async () => {
      const file = join(root, 'usr/share/bash-completion/completions/cullinan');
      const script = `compopt() { :; }; . ${file}
        COMP_WORDS=($1) COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _cullinan; printf '%s\\n' "\${COMPREPLY[@]}"`;
      for (const [line, offered] of TYPED) {
        const { stdout } = await run('bash', ['-c', script, 'bash', line]);
        expect(stdout.split('\n')).toContain(offered);
      }
    });

    test('fish completes it', async () => {
      const file = join(root, 'usr/share/fish/vendor_completions.d/cullinan.fish');
      for (const [line, offered] of TYPED) {
        const { stdout } = await run('fish', [
          '--no-config',
          '-c',
          `source ${file}; complete -C '${line}'`,
        ]);
        expect(stdout.split('\n').map((it) => it.split('\t')[0])).toContain(offered);
      }
      const script = `source ${file}; cd ${root}; complete -C 'cullinan once --dialect '`;
      const { stdout } = await run('fish', ['--no-config', '-c', script]);
      expect(stdout).not.toContain('usr/');
    });

    test('zsh completes it', async () => {
      const folder = join(root, 'usr/share/zsh/vendor-completions');
      for (const [line, offered] of TYPED) {
        // A shell at a terminal of its own, which shows what a tab makes of the line.
        const script = `
          zmodload zsh/zpty
          zpty shell zsh -f -i
          zpty -w shell "PS1=; fpath=(${folder} \\$fpath); autoload -Uz compinit; compinit -D -u; cd /"
          zpty -w shell "bindkey '^I' complete-word; echo READY"
          zpty -r shell said '*READY*READY*'
          zpty -w -n shell $'${line}\\t'
          sleep 0.3
          zpty -w -n shell $'\\C-a: \\C-e\\n'
          zpty -r -t shell said && print -r -- $said
          while zpty -r -t shell said; do print -r -- $said; done`;
        const { stdout } = await run('zsh', ['-f', '-c', script], { timeout: 20_000 });
        // Of paths it shows the last part where several would do.
        expect(stdout).toContain(basename(offered));
      }
    });
  },
);

describeWithPeer(['gcc', 'rpm', 'other-machine'], 'two builds', () => {
  let folders: readonly string[];

  beforeAll(async () => {
    const build = async () => {
      const folder = await mkdtemp(join(tmpdir(), 'build-'));
      await run(process.execPath, ['scripts/package.mjs', '--quick', '--out', folder], {
        // What differs between two machines and two days.
        env: { ...process.env, TZ: 'Asia/Tokyo', HOME: folder, TMPDIR: folder },
      });
      return folder;
    };
    folders = [await build(), await build()];
  });

  const sums = async (folder: string) => {
    const names = (await readdir(folder)).filter((name) => /\.(deb|rpm)$/.test(name)).sort();
    return Promise.all(
      names.map(async (name) => {
        const bytes = await readFile(join(folder, name));
        return `${name} ${createHash('sha256').update(bytes).digest('hex')}`;
      }),
    );
  };

  test('of one commit are the same bit for bit, for both machines in both forms', async () => {
    const [one = '', other = ''] = folders;
    expect(await sums(one)).toHaveLength(4);
    expect(await sums(one)).toEqual(await sums(other));
  });

  test('the program for the other machine runs there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'other-'));
    const { other } = await import('../../scripts/package/machines.mjs');
    const { deb: arch, emulator } = other();
    const [one = ''] = folders;
    const name = (await readdir(one)).find((it) => it.endsWith(`_${arch}.deb`)) ?? '';
    await run('dpkg-deb', ['-x', join(one, name), folder]);
    const at = join(folder, 'usr/lib/cullinan/program');
    const [command = '', ...words] = [...emulator, join(at, 'node'), join(at, 'cullinan.cjs')];
    const { stdout } = await run(command, [...words, 'once', 'load', '--over', '0s']);
    expect(stdout).toContain('system.cpu.load_average.1m ');
  });
});
