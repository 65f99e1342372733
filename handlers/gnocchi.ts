/**
 * Posts measures to Gnocchi, where OpenStack keeps what Ceilometer measures.
 *
 * Format    JSON for Gnocchi's REST API: one request holds a batch of any resources and metrics, and creates
 *           metrics that are not there. Resources (src/wire/gnocchi.ts), their types and Ceilometer's
 *           archive policies are created when Gnocchi says that it does not know them.
 * Delivery  A batch is delivered when Gnocchi has answered with 2xx. What was not answered before a
 *           connection broke is sent again: Gnocchi keeps one measure per metric and time.
 */
import {
  checkHttp,
  expectTaken,
  type HttpAnswer,
  type HttpOptions,
  type HttpPeer,
  type HttpRequest,
  httpOptions,
  httpUrl,
  keystoneOptions,
  keystoneTokens,
  openHttp,
} from 'cullinan/net';
import { type Batch, defineHandler, Foreseen, Unsendable, z } from 'cullinan/plugin';
import {
  ARCHIVE_POLICIES,
  type GnocchiBatch,
  type GnocchiResource,
  gnocchiBatches,
  RESOURCE_TYPES,
  refusalOf,
} from 'cullinan/wire/gnocchi';

const { headers, username, password, proxy, tls } = httpOptions('false');
const policy = z.string().min(1).max(255);

const options = z
  .strictObject({
    url: httpUrl().default('http://localhost:8041').describe('Where Gnocchi is.'),
    keystone: keystoneOptions()
      .optional()
      .describe('How to get a token, where Gnocchi has auth_mode keystone.'),
    username: username.describe('The name to log in with, where Gnocchi has auth_mode basic.'),
    password,
    archivePolicy: policy
      .default('ceilometer-low')
      .describe('The archive policy of metrics that are created.'),
    totalsArchivePolicy: policy.optional().meta({
      description: 'The same for totals (cumulative meters): one that keeps rates.',
      fallback: 'archivePolicy with -rate behind it',
    }),
    headers,
    proxy,
    tls,
  })
  .superRefine((given, context) => {
    checkHttp(given, context);
    if (given.keystone === undefined || given.username === undefined) return;
    const message = 'must be left out with "keystone", which has its own';
    context.addIssue({ code: 'custom', path: ['username'], message });
  });
type Options = z.output<typeof options>;

/** Requests for a batch, at most: each answer may name something else that is not there. */
const MOST_ATTEMPTS = 8;
/** Resources whose attributes are brought up to date beside a batch, at most. */
const MOST_UPDATES = 20;
/** Resources whose attributes are remembered, at most. */
const MOST_KNOWN = 50_000;

/** What is known of resources, by the options: it outlives a connection. */
const known = new WeakMap<object, Map<string, string>>();

const text = ({ body }: HttpAnswer): string => body.toString();
const taken = ({ status }: HttpAnswer): boolean => status >= 200 && status < 300;
const attributesOf = ({ attributes }: GnocchiResource): string => JSON.stringify(attributes);

/** Gnocchi behind one connection, with a login. */
class Gnocchi {
  readonly #peer: HttpPeer;
  readonly #options: HttpOptions;
  readonly #login: ReturnType<typeof keystoneTokens> | undefined;
  readonly #base: string;
  readonly #known: Map<string, string>;
  readonly counts = { 'resources.created': 0, 'resources.updated': 0, 'resources.refused': 0 };

  constructor(
    peer: HttpPeer,
    options: HttpOptions,
    given: Options,
    login: ReturnType<typeof keystoneTokens> | undefined,
  ) {
    this.#peer = peer;
    this.#options = options;
    this.#login = login;
    this.#base = new URL(given.url).pathname.replace(/\/+$/, '');
    this.#known = known.get(given) ?? new Map();
    known.set(given, this.#known);
  }

  /** Delivers a batch, and creates what it takes. */
  async deliver(batch: GnocchiBatch, points: number, stop: AbortSignal): Promise<void> {
    let refused = '';
    for (let attempt = 0; batch.size > 0; attempt += 1) {
      const path = '/v1/batch/resources/metrics/measures?create_metrics=true';
      const answer = await this.#ask({ path, body: batch.body() }, stop);
      if (taken(answer)) break;
      const refusal = refusalOf(text(answer));
      if (attempt >= MOST_ATTEMPTS) this.#expect(answer);
      if (refusal.why === 'unknown archive policy') {
        await this.#createPolicy(refusal.name, stop);
      } else if (refusal.why === 'unknown resources') {
        for (const id of refusal.ids) {
          const why = await this.#create(id, batch, stop);
          if (refused === '') refused = why;
        }
      } else this.#expect(answer);
    }
    const lost = points - batch.size;
    if (lost === 0) return;
    throw new Unsendable(`Gnocchi does not take a resource of ${lost} points: ${refused}`, {
      points: lost,
    });
  }

  /** Tells Gnocchi what has changed about resources, such as the host of a guest that was migrated. */
  async update(resources: readonly GnocchiResource[], stop: AbortSignal): Promise<void> {
    let updates = 0;
    for (const resource of resources) {
      const attributes = attributesOf(resource);
      if (this.#known.get(resource.id) === attributes) continue;
      if (updates >= MOST_UPDATES) return;
      updates += 1;
      const path = `/v1/resource/${resource.type}/${encodeURIComponent(resource.id)}`;
      const answer = await this.#ask({ method: 'PATCH', path, body: attributes }, stop);
      this.counts[taken(answer) ? 'resources.updated' : 'resources.refused'] += 1;
      this.#remember(resource);
    }
  }

  #remember(resource: GnocchiResource): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(resource.id, attributesOf(resource));
  }

  /** @returns why it was not created; its points are then no longer in the batch. */
  async #create(id: string, batch: GnocchiBatch, stop: AbortSignal): Promise<string> {
    const resource = batch.resource(id);
    if (resource === undefined) return '';
    const { type, attributes } = resource;
    const post = { path: `/v1/resource/${type}`, body: JSON.stringify({ id, ...attributes }) };
    let answer = await this.#ask(post, stop);
    if (refusalOf(text(answer)).why === 'unknown resource type') {
      await this.#createType(type, stop);
      answer = await this.#ask(post, stop);
    }
    // Somebody else was faster (409), or it was there and Gnocchi did not know it yet.
    if (answer.status === 409) return '';
    if (answer.status === 400) {
      batch.drop(id);
      this.counts['resources.refused'] += 1;
      const refusal = refusalOf(text(answer));
      const why = refusal.why === 'anything else' ? refusal.sentence : refusal.why;
      return `${type} ${id}: ${why}`.slice(0, 300);
    }
    this.#expect(answer);
    this.counts['resources.created'] += 1;
    this.#remember(resource);
    return '';
  }

  async #createType(name: string, stop: AbortSignal): Promise<void> {
    const attributes = RESOURCE_TYPES[name] ?? {};
    const body = JSON.stringify({ name, attributes });
    const answer = await this.#ask({ path: '/v1/resource_type', body }, stop);
    this.#expectCreated(answer, `resource type "${name}"`);
  }

  async #createPolicy(name: string, stop: AbortSignal): Promise<void> {
    const definition = ARCHIVE_POLICIES.get(name);
    if (definition === undefined) {
      throw new Foreseen(
        `Gnocchi has no archive policy "${name}". Create it (gnocchi archive-policy create), or set "archivePolicy" and "totalsArchivePolicy" to others.`,
      );
    }
    const body = JSON.stringify(definition);
    const answer = await this.#ask({ path: '/v1/archive_policy', body }, stop);
    this.#expectCreated(answer, `archive policy "${name}"`);
  }

  #expectCreated(answer: HttpAnswer, what: string): void {
    if (answer.status === 409) return;
    if (answer.status === 403) {
      throw new Foreseen(
        `Gnocchi has no ${what}, and this login may not create it. Run ceilometer-upgrade once, or let a user with the role admin do it.`,
      );
    }
    this.#expect(answer);
  }

  #expect(answer: HttpAnswer): void {
    expectTaken(this.#options, answer);
  }

  async #ask(request: HttpRequest & { readonly path: string }, stop: AbortSignal) {
    const path = this.#base + request.path;
    const login = this.#login;
    if (login === undefined) return this.#peer.ask({ ...request, path }, stop);
    const once = async (): Promise<HttpAnswer> => {
      const headers = { 'x-auth-token': await login.token(stop) };
      return this.#peer.ask({ ...request, path, headers }, stop);
    };
    // Revoked before its time, or Keystone's keys were rotated: another one may do.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const answer = await once();
      if (answer.status !== 401) return answer;
      login.refused();
    }
    throw new Foreseen(
      'Gnocchi does not take a token that Keystone has just given. Check that both are of one cloud, and that auth_mode in gnocchi.conf is keystone.',
    );
  }
}

export default defineHandler({
  name: 'gnocchi',
  summary: "Posts measures to Gnocchi, under Ceilometer's names, for its resources.",
  options,
  dialect: 'ceilometer',
  counters: 'raw', // The archive policy of a total keeps its rate.
  idempotent: false,
  acknowledged: true,
  async open({ options: given, signal, clock }) {
    const { archivePolicy, totalsArchivePolicy = `${archivePolicy}-rate`, keystone } = given;
    const asked: HttpOptions = {
      ...given,
      ...{ method: 'POST', gzip: false },
      // With anything else it accepts, Gnocchi says what is wrong in HTML.
      headers: {
        ...{ 'content-type': 'application/json', accept: 'application/json' },
        ...given.headers,
      },
      sentence: (answer) => {
        const refusal = refusalOf(text(answer));
        return refusal.why === 'anything else' ? refusal.sentence : undefined;
      },
    };
    const login = keystone === undefined ? undefined : keystoneTokens(keystone, clock, given.proxy);
    const peer = await openHttp(asked, { clock, signal, key: given });
    const gnocchi = new Gnocchi(peer, asked, given, login);
    const batches = gnocchiBatches({ archivePolicy, totalsArchivePolicy });
    return {
      close: peer.close,
      counts: gnocchi.counts,
      async write(points: Batch, stop) {
        const batch = batches(points);
        await gnocchi.deliver(batch, points.length, stop);
        await gnocchi.update(batch.resources, stop);
      },
    };
  },
});
