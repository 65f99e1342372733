import { lstatSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../clock/index.ts';
import { decodeMount, type Mount, mayHang, reachable } from '../wire/mountinfo.ts';

/** What a path leads to. */
export interface On {
  readonly mountpoint: string;
  /** Whether asking for a file there may wait for a server or another program. */
  readonly mayHang: boolean;
}

const SOMEWHERE: On = { mountpoint: '/', mayHang: false };
/** The kernel follows no more symbolic links. */
const MOST_LINKS = 40;
/** Where links lead is looked at again after so many milliseconds. */
const STALE = 60_000;
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

/** What is mounted where, as /proc/self/mountinfo has it. */
export class Mounts {
  readonly #clock: Clock;
  readonly #link: typeof liveLink;
  #text: string | undefined;
  #mounts: readonly On[] = [];
  readonly #known = new Map<string, On>();
  #since = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock = systemClock, link = liveLink) {
    this.#clock = clock;
    this.#link = link;
  }

  /** @param text the whole file, one character per byte. */
  update(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    this.#known.clear();
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
    const now = this.#clock.monotonic();
    if (now - this.#since > STALE || this.#known.size >= MOST_KNOWN) {
      this.#known.clear();
      this.#since = now;
    }
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const on = this.#follow(path);
    this.#known.set(path, on);
    return on;
  }

  #follow(path: string): On {
    let left = path.split('/');
    let at = '/';
    for (let links = 0; left.length > 0; ) {
      const next = resolve(at, left.shift() ?? '');
      const on = this.#at(next);
      if (on.mayHang) return on;
      const leads = links < MOST_LINKS && next !== at ? this.#link(next) : undefined;
      if (leads === undefined) at = next;
      else {
        links += 1;
        left = [...resolve(at, leads).split('/'), ...left];
        at = '/';
      }
    }
    return this.#at(at);
  }

  #at(path: string): On {
    const on = this.#mounts.find(
      ({ mountpoint: it }) => it === '/' || path === it || path.startsWith(`${it}/`),
    );
    return on ?? SOMEWHERE;
  }
}
