import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock/index.ts';

/** Finds the name of an address; `undefined` if it has none. */
export type Reverse = (address: string) => Promise<string | undefined>;

/** Milliseconds after which the name of an address that had none is looked up again. */
const AGAIN = 600_000;
/** What is kept: names, addresses that are looked up at a time, and what waits for one of them. */
const MOST_NAMES = 10_000;
const MOST_LOOKUPS = 64;
const MOST_WAITING = 128;

/**
 * The names of addresses, as gmond calls hosts. Looked up once, by a resolver that holds no thread (unlike
 * getnameinfo, which can stop all file access of the process); what is said of a host meanwhile waits.
 */
export class Names {
  readonly #reverse: Reverse;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #names = new Map<string, { readonly name: string; readonly until: number }>();
  readonly #waiting = new Map<string, ((name: string) => void)[]>();

  constructor(clock: Pick<Clock, 'monotonic'>, reverse: Reverse = fromSystem()) {
    this.#clock = clock;
    this.#reverse = reverse;
  }

  /**
   * Calls back with the name, or with the address where it has none: at once if it is known.
   *
   * @returns false if too much waits already, and nobody is called back.
   */
  of(address: string, then: (name: string) => void): boolean {
    const known = this.#names.get(address);
    if (known !== undefined && this.#clock.monotonic() < known.until) {
      then(known.name);
      return true;
    }
    const waiting = this.#waiting.get(address);
    if (waiting !== undefined) return waiting.length < MOST_WAITING && waiting.push(then) > 0;
    if (this.#waiting.size >= MOST_LOOKUPS) return false;
    this.#waiting.set(address, [then]);
    void this.#lookUp(address);
    return true;
  }

  async #lookUp(address: string): Promise<void> {
    const name = await this.#reverse(address).catch(() => undefined);
    const until = name === undefined ? this.#clock.monotonic() + AGAIN : Number.POSITIVE_INFINITY;
    if (this.#names.size >= MOST_NAMES) this.#names.clear();
    this.#names.set(address, { name: name ?? address, until });
    const waiting = this.#waiting.get(address) ?? [];
    this.#waiting.delete(address);
    for (const then of waiting) then(name ?? address);
  }
}

/** The first name of an address in the text of /etc/hosts, as hosts(5) has it. */
export function nameInHosts(text: string, address: string): string | undefined {
  for (const line of text.split('\n')) {
    const [first, name] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (first === address) return name;
  }
  return undefined;
}

/** As nsswitch.conf(5) usually has it: from /etc/hosts, whose first names Node's own resolver leaves out, or the DNS. */
function fromSystem(): Reverse {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  return async (address) => {
    const hosts = await readFile('/etc/hosts', 'utf8').catch(() => '');
    return nameInHosts(hosts, address) ?? (await resolver.reverse(address))[0];
  };
}
