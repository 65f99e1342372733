import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Foreseen, type Host, type Statfs, type Tree } from '../plugin/index.ts';
import { codeOf } from './failures.ts';
import { type MomentWriter, momentWriter } from './moment.ts';
import { type Manifest, type Question, readManifest, TREES, type TreeName } from './recording.ts';

export interface Recorder {
  /** Answers as the host that is recorded does; what it says is written down. */
  readonly host: Host;
  /**
   * Begins the moment to which the following answers belong; before the first one nothing is
   * written. A moment that is recorded again replaces the one before.
   *
   * @param time in whole seconds since the Unix epoch.
   */
  moment(time: number): void;
}

/**
 * Writes down whatever is read from a host, so that the same collectors get the same answers from
 * {@link recordedHost}, except for what scrub.ts leaves out and what a link leads to outside of
 * proc, sys or root.
 *
 * A recording that cannot be written fails the collection that wanted it: half a recording would
 * pass for a host that lacks things.
 *
 * @param directory empty, absent, or a recording of this host that is to go on.
 */
export function startRecording(
  directory: string,
  host: Host,
  { hostname, fqdn }: { readonly hostname: string; readonly fqdn: string },
): Recorder {
  const base = resolve(directory);
  claim(base, { version: 1, hostname, fqdn, foreign: host.foreign });
  let writer: MomentWriter | undefined;
  let current: number | undefined;
  const writing = (write: (writer: MomentWriter) => void, into = writer): void => {
    if (into === undefined) return;
    try {
      write(into);
    } catch (cause) {
      throw new Foreseen(
        `the recording in ${base} cannot be written (${codeOf(cause) || cause}): make room or choose another directory`,
        { cause },
      );
    }
  };
  const trees = Object.fromEntries(
    TREES.map((name) => [name, recordedTree(name, host[name], writing)]),
  ) as Record<TreeName, Tree>;
  return {
    host: {
      ...trees,
      foreign: host.foreign,
      statfs(mountpoint) {
        let answer: Statfs;
        try {
          answer = host.statfs(mountpoint);
        } catch (error) {
          writing((to) => to.statfsFailed(mountpoint, error));
          throw error;
        }
        writing((to) => to.statfs(mountpoint, answer));
        return answer;
      },
      async statfsGuarded(mountpoint, signal) {
        // The answer may come after the next moment has begun.
        const into = writer;
        let answer: Statfs;
        try {
          answer = await host.statfsGuarded(mountpoint, signal);
        } catch (error) {
          writing((to) => to.statfsFailed(mountpoint, error), into);
          throw error;
        }
        writing((to) => to.statfs(mountpoint, answer), into);
        return answer;
      },
    },
    moment(time) {
      if (!Number.isInteger(time) || time < 0) {
        throw new RangeError(`${time} is no time in whole Unix seconds`);
      }
      if (time === current) return;
      current = time;
      writer = momentWriter(join(base, String(time)), host);
    },
  };
}

function recordedTree(
  name: TreeName,
  tree: Tree,
  writing: (write: (writer: MomentWriter) => void) => void,
): Tree {
  function ask<Q extends Question>(question: Q, path: string): ReturnType<Tree[Q]>;
  function ask(question: Question, path: string): string | readonly string[] {
    try {
      return tree[question](path);
    } catch (error) {
      writing((to) => to.failed(question, name, path, error));
      throw error;
    }
  }
  return {
    read(path) {
      const text = ask('read', path);
      writing((to) => to.file(name, path, text));
      return text;
    },
    list(path) {
      const names = ask('list', path);
      writing((to) => to.names(name, path, names));
      return names;
    },
    link(path) {
      const target = ask('link', path);
      writing((to) => to.link(name, path, target));
      return target;
    },
  };
}

/** Makes a directory a recording of this host, or makes sure that it is one. */
function claim(directory: string, facts: Manifest): void {
  const remedy =
    "Give an empty directory, one that does not exist yet, or this host's own recording.";
  let names: string[];
  try {
    // Not recursive: below /proc, Node would try for ever.
    if (!existsSync(directory)) mkdirSync(directory);
    names = readdirSync(directory);
  } catch (cause) {
    throw new Foreseen(`nothing can be recorded in ${directory} (${codeOf(cause)}). ${remedy}`, {
      cause,
    });
  }
  const before = readManifest(directory);
  if (before === undefined && names.length > 0) {
    throw new Foreseen(
      `nothing was recorded: ${directory} has files in it and is no recording. ${remedy}`,
    );
  }
  if (before !== undefined) {
    if (before.hostname === facts.hostname && before.foreign === facts.foreign) return;
    throw new Foreseen(
      `nothing was recorded: ${directory} is a recording of another host, ${before.hostname}. ${remedy}`,
    );
  }
  writeFileSync(join(directory, 'recording.json'), `${JSON.stringify(facts, undefined, 2)}\n`);
}
