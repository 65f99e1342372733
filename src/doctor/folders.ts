import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config/index.ts';
import { bytewise, liveHost } from '../host/index.ts';
import { AccessDenied, NoData, type Statfs, Unresponsive } from '../plugin/index.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';

/** Milliseconds for a filesystem to answer. */
const PATIENCE = 3000;
/** Free bytes of a folder that has no size of its own. */
const LITTLE = 64 * 1024 ** 2;

/** A folder, or a file in one, that the agent writes. */
interface Needed {
  readonly subject: string;
  readonly path: string;
  /** Bytes that it may come to take. */
  readonly size: number;
}

/** Whether what the agent writes can be written, and has room; whether what it reads can be read. */
export async function checkFolders(config: Config, socket: string | undefined) {
  const host = liveHost({});
  try {
    const written = neededBy(config, socket).map((it) => checkWritten(host, it));
    const read = readBy(config).map(({ subject, path }) => checkRead(host, subject, path));
    return await Promise.all([...written, ...read]);
  } finally {
    host.close();
  }
}

function neededBy({ handlers, collectors }: Config, socket: string | undefined): readonly Needed[] {
  const needed: Needed[] = [];
  if (socket !== undefined) needed.push({ subject: 'socket', path: dirname(socket), size: 0 });
  for (const { instance, queue, handler, options } of handlers) {
    const { spool } = queue;
    if (spool !== undefined) {
      needed.push({ subject: `spool of ${instance}`, path: spool.path, size: spool.size });
    }
    const { path } = options as { readonly path?: unknown };
    if (handler.name === 'file' && typeof path === 'string') {
      needed.push({ subject: `file of ${instance}`, path: dirname(path), size: LITTLE });
    }
  }
  for (const { instance, options } of collectors) {
    const { state } = options as { readonly state?: unknown };
    if (typeof state === 'string') {
      needed.push({ subject: `state of ${instance}`, path: state, size: LITTLE });
    }
  }
  return needed;
}

/** Files that are named; what a glob stands for is looked up when it is followed. */
function readBy({ collectors }: Config): readonly { subject: string; path: string }[] {
  return collectors.flatMap(({ instance, options }) => {
    const { files } = options as { readonly files?: unknown };
    if (!Array.isArray(files)) return [];
    return files.flatMap((file: { readonly path?: unknown }) => {
      if (typeof file.path !== 'string' || !file.path.startsWith('/')) return [];
      const path = /[*?[]/.test(file.path)
        ? dirname(file.path.slice(0, file.path.search(/[*?[]/) + 1))
        : file.path;
      return [{ subject: `log of ${instance}`, path }];
    });
  });
}

type Asked = Pick<ReturnType<typeof liveHost>, 'statfsGuarded'>;

/** The nearest folder that is there, and its filesystem; in a child, because it may hang. */
async function nearest(host: Asked, path: string): Promise<{ path: string; statfs: Statfs }> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const statfs = await host.statfsGuarded(bytewise(at), AbortSignal.timeout(PATIENCE));
      return { path: at, statfs };
    } catch (error) {
      if (!(error instanceof NoData) || at === '/') throw error;
    }
  }
}

async function checkWritten(host: Asked, { subject, path, size }: Needed): Promise<Finding> {
  const said = { check: 'folder', subject: `${subject}: ${path}` };
  const denied = (where: string, error: unknown) =>
    problem({
      ...said,
      found: `${where} cannot be written by user ${process.getuid?.()}: ${messageOf(error)}`,
      remedy: `Create ${path} and give it to the agent's user (chown), or name another one.`,
    });
  try {
    const { path: there, statfs } = await nearest(host, path);
    try {
      await access(there, constants.W_OK | constants.X_OK);
      if (there === path && !(await stat(there)).isDirectory()) throw new Error('it is no folder');
    } catch (error) {
      return denied(there === path ? 'it' : there, error);
    }
    const free = statfs.blocksAvailable * statfs.blockSize;
    const room = `${Math.floor(free / 1024 ** 2)} MiB free`;
    const remedy = 'Make room there, or name a smaller size or another folder.';
    if (statfs.inodes > 0 && statfs.inodesFree === 0) {
      return problem({ ...said, found: 'no inode is free there', remedy });
    }
    if (free < size) {
      const found = `${room}, and it may come to need ${Math.ceil(size / 1024 ** 2)} MiB`;
      return warning({ ...said, found, remedy });
    }
    return ok({ ...said, found: `can be written; ${room}` });
  } catch (error) {
    // A folder above it that lets nobody in.
    return error instanceof AccessDenied ? denied('it', error) : hung(said, error);
  }
}

async function checkRead(host: Asked, subject: string, path: string): Promise<Finding> {
  const said = { check: 'file', subject: `${subject}: ${path}` };
  try {
    await host.statfsGuarded(bytewise(path), AbortSignal.timeout(PATIENCE));
    await access(path, constants.R_OK);
    return ok({ ...said, found: 'can be read' });
  } catch (error) {
    if (error instanceof NoData) {
      const remedy = 'Check its path; it is followed once it is there.';
      return warning({ ...said, found: 'it is not there', remedy });
    }
    if (error instanceof Unresponsive) return hung(said, error);
    return problem({
      ...said,
      found: `it cannot be read by user ${process.getuid?.()}: ${messageOf(error)}`,
      remedy: "Let the agent's user read it: on Debian as a member of the group adm.",
    });
  }
}

const hung = (said: Pick<Finding, 'check' | 'subject'>, error: unknown): Finding =>
  problem({
    ...said,
    found: messageOf(error),
    remedy: 'See why its filesystem does not answer (df, mount), or name another place.',
  });
