import { gzipSync } from 'node:zlib';
import type { Files, Stat } from '../../src/logs/files.ts';

interface Inode {
  readonly device: number;
  readonly number: number;
  bytes: Buffer;
  modified: number;
  readonly born: number;
}

const stat = ({ device, number, bytes, modified, born }: Inode): Stat => {
  return { device, inode: number, bytes: bytes.length, modified, born, kind: 'file' };
};

/** A file that is open for writing, as a daemon has its log. */
export interface Writing {
  append(text: string): void;
  /** Whether it is what a path leads to by now. */
  isAt(path: string): boolean;
}

/** A file system in memory, with links, inodes that are used again, and times as coarse as a kernel's. */
export class MemoryFiles implements Files {
  readonly #names = new Map<string, Inode>();
  readonly #now: () => number;
  #made = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  #time(): number {
    return Math.floor(this.#now() / 4) * 4;
  }

  #inode(path: string): Inode {
    const found = this.#names.get(path);
    if (found === undefined) throw new Error(`no ${path}`);
    return found;
  }

  /** The lowest number that is free, as file systems with tables of inodes do it. */
  #create(path: string, bytes: Buffer, device = 1): Inode {
    const taken = new Set([...this.#names.values()].map(({ number }) => number));
    let number = 1;
    while (taken.has(number)) number += 1;
    this.#made += 1;
    const modified = this.#time();
    // No two files with one inode are made in so short a time.
    const born = modified + this.#made / 1e6;
    const inode = { device, number, bytes, modified, born };
    this.#names.set(path, inode);
    return inode;
  }

  has(path: string): boolean {
    return this.#names.has(path);
  }

  text(path: string): string {
    return this.#inode(path).bytes.toString();
  }

  names(start: string): string[] {
    return [...this.#names.keys()].filter((path) => path.startsWith(start));
  }

  /** Opens for appending; makes the file if it is not there. */
  writing(path: string): Writing {
    const inode = this.#names.get(path) ?? this.#create(path, Buffer.alloc(0));
    return {
      append: (text) => {
        inode.bytes = Buffer.concat([inode.bytes, Buffer.from(text)]);
        inode.modified = this.#time();
      },
      isAt: (path) => this.#names.get(path) === inode,
    };
  }

  move(from: string, to: string): void {
    const inode = this.#inode(from);
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  copy(from: string, to: string): void {
    this.#create(to, this.#inode(from).bytes);
  }

  /** @param length what is left of it. */
  truncate(path: string, length = 0): void {
    const inode = this.#inode(path);
    inode.bytes = inode.bytes.subarray(0, length);
    inode.modified = this.#time();
  }

  remove(path: string): void {
    this.#names.delete(path);
  }

  /** As gzip does it: the time is kept. */
  compress(path: string): void {
    const { bytes, modified } = this.#inode(path);
    this.#create(`${path}.gz`, gzipSync(bytes, { level: 1 })).modified = modified;
    this.#names.delete(path);
  }

  /** The same bytes in another file system. */
  migrate(path: string, device: number): void {
    const { bytes, modified } = this.#inode(path);
    this.#names.delete(path);
    this.#create(path, bytes, device).modified = modified;
  }

  async stat(path: string): Promise<Stat | undefined> {
    return this.glance(path);
  }

  glance(path: string): Stat | undefined {
    const inode = this.#names.get(path);
    return inode === undefined ? undefined : stat(inode);
  }

  mayHang(): boolean {
    return false;
  }

  async open(path: string) {
    const inode = this.#names.get(path);
    if (inode === undefined) return undefined;
    return {
      stat: async () => stat(inode),
      read: async (into: Buffer, at: number, length: number, position: number) =>
        position < inode.bytes.length ? inode.bytes.copy(into, at, position, position + length) : 0,
      close: async () => {},
    };
  }

  async real(path: string): Promise<string> {
    return path;
  }

  async list(folder: string): Promise<readonly string[]> {
    const start = `${folder}/`;
    return [...this.#names.keys()]
      .filter((path) => path.startsWith(start))
      .map((path) => path.slice(start.length));
  }

  async load(path: string): Promise<string | undefined> {
    return this.#names.get(path)?.bytes.toString();
  }

  async store(path: string, text: string): Promise<void> {
    this.#names.delete(path);
    this.#create(path, Buffer.from(text));
  }

  async append(path: string, text: string): Promise<void> {
    this.writing(path).append(text);
  }

  async rename(from: string, to: string): Promise<void> {
    this.move(from, to);
  }

  async sync(): Promise<void> {}
}

/** What happens before one of the operations is done; what it throws happens instead. */
export type Before = (operation: string) => void;

/** Files where something happens before each operation. */
export function watched(files: Files, before: Before): Files {
  return {
    async stat(path) {
      before('stat');
      return await files.stat(path);
    },
    glance(path) {
      before('glance');
      return files.glance(path);
    },
    mayHang: () => false,
    async open(path) {
      before('open');
      const file = await files.open(path);
      if (file === undefined) return undefined;
      return {
        async stat() {
          before('fstat');
          return await file.stat();
        },
        async read(into, at, length, position) {
          before('read');
          return await file.read(into, at, length, position);
        },
        close: () => file.close(),
      };
    },
    real: (path) => files.real(path),
    async list(folder) {
      before('list');
      return await files.list(folder);
    },
    async load(path) {
      before('load');
      return await files.load(path);
    },
    async store(path, text) {
      before('store');
      await files.store(path, text);
    },
    async append(path, text, sync) {
      before('append');
      await files.append(path, text, sync);
    },
    async rename(from, to) {
      before('rename');
      await files.rename(from, to);
    },
    async sync(folder) {
      before('sync');
      await files.sync(folder);
    },
  };
}
