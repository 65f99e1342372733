import { lstatSync, readlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clock, systemClock } from '../clock/index.ts';
import { decodeMount, type Mount, mayHang, reachable } from '../wire/mountinfo.ts';

/** What a path leads to. */
export interface On {
  /** As a person writes it. */
  readonly mountpoint: string;
  /** Whether asking for a file there may wait for a server or another program. */
  readonly mayHang: boolean;
}

interface Resolved {
  readonly path: string;
  readonly on: On;
}

const SOMEWHERE: On = { mountpoint: '/', mayHang: false };
/** The kernel follows no more symbolic links. */
const MOST_LINKS = 40;
/** Where links lead is looked at again after so many milliseconds. */
const STALE = 120_000;
const MOST_KNOWN = 20_000;

/** Where a symbolic link leads, as it is written; `undefined` if it is none. */
function liveLink(path: string): string | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat?.isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    // Whoever may not look may not read either, and will be told so.
    return undefined;
  }
}

/** A mount point as `Host.statfsGuarded` takes it: one character per byte. */
export const bytewise = ({ mountpoint }: On): string => Buffer.from(mountpoint).toString('latin1');

/** What is mounted where, as /proc/self/mountinfo has it. */
export class Mounts {
  readonly #clock: Clock;
  readonly #link: typeof liveLink;
  #text: string | undefined;
  #mounts: readonly On[] = [];
  readonly #known = new Map<string, On>();
  readonly #folders = new Map<string, Resolved>();
  #since = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock = systemClock, link = liveLink) {
    this.#clock = clock;
    this.#link = link;
  }

  /** Is to be called again and again. @param text the whole file, one character per byte. */
  update(text: string): void {
    const now = this.#clock.monotonic();
    if (now - this.#since > STALE || this.#known.size >= MOST_KNOWN || text !== this.#text) {
      this.#known.clear();
      this.#folders.clear();
      this.#since = now;
    }
    if (text === this.#text) return;
    this.#text = text;
    const mounts = text
      .split('\n')
      .map(decodeMount)
      .filter((it): it is Mount => it !== undefined);
    this.#mounts = reachable(mounts)
      .map(({ mountpoint, through }) => {
        const path = Buffer.from(mountpoint, 'latin1').toString();
        return { mountpoint: path, mayHang: mayHang(through) };
      })
      .sort((a, b) => b.mountpoint.length - a.mountpoint.length);
  }

  /** What a path leads to, symbolic links included; nothing is asked of a mount that may hang. */
  of(path: string): On {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const on = this.#resolve(path, 0).on;
    this.#known.set(path, on);
    return on;
  }

  /** Where a path leads to, as far as it can be followed without asking what may hang. */
  #resolve(path: string, links: number): Resolved {
    const folder = dirname(path);
    if (folder === path) return { path, on: this.#at(path) };
    const above = this.#folder(folder, links);
    const at = join(above.path, basename(path));
    const on = this.#at(at);
    const leads = on.mayHang || links >= MOST_LINKS ? undefined : this.#link(at);
    return leads === undefined
      ? { path: at, on }
      : this.#resolve(resolve(above.path, leads), links + 1);
  }

  /** The same of a folder, in which there may be many files. */
  #folder(path: string, links: number): Resolved {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const resolved = this.#resolve(path, links);
    this.#folders.set(path, resolved);
    return resolved;
  }

  #at(path: string): On {
    const on = this.#mounts.find(
      ({ mountpoint: it }) => it === '/' || path === it || path.startsWith(`${it}/`),
    );
    return on ?? SOMEWHERE;
  }
}
