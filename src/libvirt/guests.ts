import { type Labels, ParseError } from '../plugin/index.ts';
import type { Domain } from '../wire/libvirt/calls.ts';
import type { DomainStats } from '../wire/libvirt/guest.ts';
import { type Element, parseXml, textAt } from '../wire/xml.ts';
import { LibvirtError, NO_DOMAIN } from './channel.ts';
import type { Libvirt } from './client.ts';
import type { Plan } from './plan.ts';

const NOVA = 'metadata/nova:instance/';

/** What can be said of a guest by one word: where it stands in its XML; '' is in what libvirt lists. */
const WORDS = {
  uuid: '',
  domain: '',
  instance: `${NOVA}nova:name`,
  project: `${NOVA}nova:owner/nova:project`,
  project_id: `${NOVA}nova:owner/nova:project@uuid`,
  user: `${NOVA}nova:owner/nova:user`,
  user_id: `${NOVA}nova:owner/nova:user@uuid`,
  flavor: `${NOVA}nova:flavor@name`,
  flavor_id: `${NOVA}nova:flavor@id`,
  image_id: `${NOVA}nova:root@uuid`,
} as const;

/** A word for something that can be said of a guest. */
export type Word = keyof typeof WORDS;
/** Each {@link Word}: what `labels` of the collector may list. */
export const words = Object.keys(WORDS) as [Word, ...Word[]];

export interface GuestOptions {
  readonly identity: 'name' | 'uuid' | 'nova';
  /** Label to {@link Word}, or to a place in the domain's XML. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether interfaces are called by their addresses, which only the XML has. */
  readonly addresses: boolean;
  readonly chosen: (called: string) => boolean;
}

/** What is known of a guest for as long as it runs, or is off. */
export interface Guest {
  readonly domain: Domain;
  readonly called: string;
  /** A key for this run of it, from its start to its end: the totals of another begin at nothing. */
  readonly run: string;
  /** `undefined`: it is not to be observed. */
  readonly labels: Labels | undefined;
  /** The addresses of its interfaces, by their names on the hypervisor. */
  readonly addresses: ReadonlyMap<string, string>;
  plan: Plan | undefined;
}

/** XMLs that are read in one collection at most: a hypervisor full of guests is known after some. */
const MOST_NEW = 200;
const AT_ONCE = 8;

/** The guests of one hypervisor, by their UUIDs. */
export class Guests {
  readonly #options: GuestOptions;
  readonly #needsXml: boolean;
  readonly #known = new Map<string, Guest>();
  /** Who is called what. */
  readonly #names = new Map<string, string>();

  constructor(options: GuestOptions) {
    this.#options = options;
    const { identity, labels, addresses } = options;
    const places = Object.values(labels).map((word) => placeOf(word));
    this.#needsXml = identity === 'nova' || addresses || places.some((place) => place !== '');
  }

  get(uuid: string): Guest | undefined {
    return this.#known.get(uuid);
  }

  /**
   * Gets to know those that are new, were started or stopped, or have another name; forgets the others.
   *
   * @returns what went wrong, for each guest that could not be known.
   */
  async meet(all: readonly DomainStats[], libvirt: Libvirt, signal: AbortSignal): Promise<Error[]> {
    this.#forget(new Set(all.map(({ uuid }) => uuid)));
    const { addresses } = this.#options;
    const strangers = all.filter((stats) => {
      const { domain, plan } = this.#known.get(stats.uuid) ?? {};
      if (domain?.id !== stats.id || domain.name !== stats.name) return true;
      // An interface that was attached has an address.
      return addresses && plan !== undefined && plan.stats !== stats;
    });
    if (!this.#needsXml) {
      for (const domain of strangers) this.#add(domain, undefined);
      return [];
    }
    const errors: Error[] = [];
    const waiting = strangers.slice(0, MOST_NEW);
    const ask = async (): Promise<void> => {
      for (let domain = waiting.shift(); domain !== undefined; domain = waiting.shift()) {
        try {
          this.#add(domain, read(await libvirt.xml(domain, signal), domain));
        } catch (error) {
          if (error instanceof LibvirtError && error.code === NO_DOMAIN) continue;
          if (!(error instanceof LibvirtError) && !(error instanceof ParseError)) throw error;
          this.#drop(domain.uuid);
          errors.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return errors;
  }

  #add(domain: Domain, xml: Element | undefined): void {
    const { identity, labels, addresses, chosen } = this.#options;
    this.#drop(domain.uuid);
    const say = (word: string): string => {
      if (word === 'uuid') return domain.uuid;
      if (word === 'domain') return domain.name;
      return (xml && textAt(xml, placeOf(word))) ?? '';
    };
    const called = this.#call(
      domain,
      say(identity === 'nova' ? 'instance' : identity) || domain.name,
    );
    const more = Object.entries(labels).map(([label, word]) => [label, say(word)]);
    this.#known.set(domain.uuid, {
      domain,
      called,
      run: `${domain.uuid} ${domain.id}`,
      labels: chosen(called) ? { guest: called, ...Object.fromEntries(more) } : undefined,
      addresses: addresses && xml !== undefined ? addressesIn(xml) : new Map(),
      plan: undefined,
    });
  }

  /** Two tenants may call theirs alike: who came later has its UUID behind the name. */
  #call({ uuid }: Domain, wanted: string): string {
    const owner = this.#names.get(wanted) ?? uuid;
    const called = owner === uuid ? wanted : `${wanted}-${uuid}`;
    this.#names.set(called, uuid);
    return called;
  }

  #forget(present: ReadonlySet<string>): void {
    for (const uuid of this.#known.keys()) if (!present.has(uuid)) this.#drop(uuid);
  }

  #drop(uuid: string): void {
    const { called } = this.#known.get(uuid) ?? {};
    if (called !== undefined && this.#names.get(called) === uuid) this.#names.delete(called);
    this.#known.delete(uuid);
  }
}

const placeOf = (word: string): string => (Object.hasOwn(WORDS, word) ? WORDS[word as Word] : word);

function read(xml: string, { name }: Domain): Element {
  try {
    return parseXml(xml);
  } catch (error) {
    throw new ParseError(
      `the XML of the guest ${JSON.stringify(name)}: ${(error as Error).message}`,
    );
  }
}

function addressesIn(xml: Element): ReadonlyMap<string, string> {
  const devices = xml.children.find(({ name }) => name === 'devices')?.children ?? [];
  const nics = devices.filter(({ name }) => name === 'interface');
  return new Map(
    nics.map((nic) => [textAt(nic, 'target@dev') ?? '', textAt(nic, 'mac@address') ?? '']),
  );
}
