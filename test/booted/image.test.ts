import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/booted.ts';
import { Carbon } from '../support/carbon.ts';
import { packages, slimSystem } from '../support/packages.ts';
import { describeWithPeer } from '../support/peers.ts';

const execute = promisify(execFile);
const PAGE = readFileSync('docs/containers.md', 'utf8');
/** The page's commands as they are there, but that which builds the packages. */
const COMMANDS = [...PAGE.matchAll(/^\$ (podman (?:.*\\\n)*.*)$/gm)].map(([, text = '']) => text);
const CONFIG = /```yaml\n(host:[^`]*)```/.exec(PAGE)?.[1] ?? '';

// Everything of it is in one folder: images, containers, and the podman that knows no other place.
describeWithPeer(
  ['podman', 'carbon-cache', 'gcc', 'rpm'],
  'the image, built and run as docs/containers.md says',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-image-'));
    const at = (name: string) => join(folder, name);
    const sh = async (script: string) => {
      const env = { ...process.env, PATH: `${at('bin')}:${process.env['PATH']}` };
      const { stdout, stderr } = await execute('sh', ['-ec', script], {
        ...{ cwd: at('context'), env, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 },
      });
      return stdout + stderr;
    };
    const [build = '', run = ''] = COMMANDS;
    let carbon: Carbon;
    const load = () => [...carbon.read(`servers.${name}.loadavg.01`).keys()];
    // As Diamond takes it: up to the first dot.
    const name = hostname().split('.')[0];

    beforeAll(async () => {
      for (const name of ['bin', 'context/packaging', 'context/dist/packages']) {
        mkdirSync(at(name), { recursive: true });
      }
      // No registry is asked, and what needs rights or cgroups that a machine of tests may not have is left out.
      writeFileSync(
        at('bin/podman'),
        `#!/bin/sh
verb=$1; shift
case $verb in
  build) set -- --isolation chroot --pull-never "$@" ;;
  run) set -- --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 "$@" ;;
esac
export DISABLE_HC_SYSTEMD=true
exec /usr/bin/podman --root ${at('store')} --runroot ${at('run')} --tmpdir ${at('tmp')} \
  --runtime runc --cgroup-manager cgroupfs --events-backend file $verb "$@"
`,
        { mode: 0o755 },
      );
      carbon = await Carbon.start();
      const [{ deb }, system] = await Promise.all([packages(), slimSystem()]);
      cpSync(deb, join(at('context/dist/packages'), basename(deb)));
      cpSync('packaging/Containerfile', at('context/packaging/Containerfile'));
      const own = `    host: 127.0.0.1\n    port: ${carbon.port}`;
      const config = CONFIG.replace(/^ {4}host: .*$/m, own);
      writeFileSync(at('context/cullinan.yaml'), `interval: 1s\n${config}`);
      await sh(`tar -C ${system} -cf - . | podman import - docker.io/library/debian:12-slim`);
    }, 400_000);
    afterAll(async () => {
      await carbon?.[Symbol.asyncDispose]();
      await sh('podman rm --all --force --time 0; podman unmount --all').catch(() => undefined);
      rmSync(folder, { recursive: true, force: true });
    });

    test('is built', async () => {
      expect([build, run].map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual([
        ...['podman build', 'podman run'],
      ]);
      const said = await sh(build);
      expect(said).toContain('Successfully tagged localhost/cullinan:latest');
      // As podman says of what a format has no place for.
      expect(said).not.toContain('will be ignored');
    });

    test("shows the host to the agent, whose points arrive under the host's name", async () => {
      await sh(run);
      await eventually(() => expect(load().length).toBeGreaterThan(2));
      const series = carbon.series();
      // The root of the host, and none of the container's own.
      expect(series).toContain(`servers.${name}.diskspace.root.byte_free`);
      expect(series.filter((it) => it.includes('diskspace') && it.includes('host'))).toEqual([]);
      const links = Object.keys(networkInterfaces()).filter((link) => link !== 'lo');
      expect(links.some((it) => series.includes(`servers.${name}.network.${it}.rx_byte`))).toBe(
        true,
      );
    });

    test('is well, takes a new configuration, and ends when it is told to', async () => {
      await sh('podman healthcheck run cullinan');
      expect(await sh('podman exec cullinan id -un')).toBe('cullinan\n');
      const path = at('context/cullinan.yaml');
      writeFileSync(path, `labels: { site: ams1 }\n${readFileSync(path, 'utf8')}`);
      await sh('podman kill --signal HUP cullinan');
      await eventually(async () => expect(await sh('podman logs cullinan')).toMatch(/reload/));
      await sh('podman stop --time 20 cullinan');
      expect(await sh("podman inspect --format '{{.State.ExitCode}}' cullinan")).toBe('0\n');
      expect(await sh('podman logs cullinan')).toMatch(/stopped: /);
    });

    test('needs nothing that it could write to', async () => {
      const said = await sh('podman run --rm --read-only --network host cullinan once load');
      expect(said).toContain('system.cpu.load');
    });
  },
);
