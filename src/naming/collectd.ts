import type { Identifier, Labels, Series } from '../metric/index.ts';
import { levels, segment, shortened, tagName, tagValue } from '../wire/segment.ts';
import { type Options, options } from './collectd-options.ts';
import type { Row } from './collectd-row.ts';
import { fill, lookUpIn, wholeName, wholeOfIn } from './collectd-table.ts';
import { type Dialect, defineDialect, type Naming, type Spelling } from './dialect.ts';
import { guestOf, withoutGuest } from './guest.ts';

/** `interface-{device}/if_octets:rx`, with the labels' values in it. */
function identityOf(identifier: string, labels: Labels): Identifier {
  const [, plugin = '', pluginInstance = '', type = '', typeInstance = '', source = ''] =
    /^([^-/]+)-?([^/]*)\/([^-:]+)-?([^:]*):?(.*)$/.exec(identifier) ?? [];
  return {
    plugin,
    pluginInstance: fill(pluginInstance, labels),
    type,
    typeInstance: fill(typeInstance, labels),
    source,
  };
}

/**
 * The generic rule, in collectd's manner: the first word of the inner name (behind `system.linux.`)
 * is the plugin, the others are the type's instance, the labels' values follow as levels.
 */
function genericIdentity({ metric, labels }: Series): Identifier {
  if (metric.origin?.dialect === 'collectd') {
    const { plugin, type, source } = metric.origin;
    const { plugin_instance: pluginInstance = '', type_instance: typeInstance = '' } = labels;
    return { plugin, pluginInstance, type, typeInstance, source };
  }
  const [plugin = '', ...rest] = metric.name.replace(/^system\.(?:linux\.)?/, '').split('.');
  const type = metric.kind === 'gauge' ? 'gauge' : 'derive';
  return { plugin, pluginInstance: '', type, typeInstance: rest.join('-'), source: '' };
}

/** collectd cuts a field at this many bytes, and so lets long names meet. */
const LONGEST_FIELD = 127;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const BLANK_OR_CONTROL = /[\u0000-\u0020\u007f]/g;
/** What write_graphite replaces; the semicolon, which begins a tag; and the blanks of Unicode, at which Carbon, too, ends a path. */
const FORBIDDEN = /[\s\u0085"\\:!,/();]/g;

/** What virt's formats put together: what is not known of the guest is what it is called. */
const formatted = (words: readonly string[], labels: Labels, hostname: string): string =>
  words
    .map((word) => (word === 'hostname' ? hostname : labels[CALLED[word] ?? ''] || labels['guest']))
    .join(':');
const CALLED: Readonly<Record<string, string>> = {
  ...{ name: 'domain', uuid: 'uuid', metadata: 'instance' },
};

/** What is sent of a series that collectd would not have: its labels, which have no place in an identity. */
type More = Pick<Series, 'metric' | 'labels'>;

const valuesOf = ({ metric, labels }: More): readonly string[] =>
  metric.labels.map((label) => labels[label] ?? '').filter((value) => value !== '');

/** As the hostname method spells the own one. */
const hostOf = (series: Series, { host, ownHost }: Naming): string =>
  ownHost === undefined || series.host === ownHost ? host : series.host;

/** No level is empty, whatever was configured or mounted. */
const neat = (path: string): string =>
  path
    .split('.')
    .filter((level) => level !== '')
    .join('.');

/** Renders names as write_graphite does. */
class Writer {
  readonly #o: Options;

  constructor(o: Options) {
    this.#o = o;
  }

  /** The identity as it is for a guest's series, if this is one: virt puts the guest in the host's place. */
  identify(identity: Identifier, series: Series, naming: Naming): Identifier {
    if (guestOf(series) === undefined) return identity;
    const { hostnameFormat, pluginInstanceFormat } = this.#o.virt;
    const own = hostOf(series, naming);
    const host = formatted(hostnameFormat, series.labels, own);
    return {
      ...identity,
      host,
      pluginInstance: formatted(pluginInstanceFormat, series.labels, own),
    };
  }

  path(identity: Identifier, series: Series, naming: Naming, more?: More): string {
    const { useTags } = this.#o;
    return useTags || naming.tags
      ? this.#tagged(identity, series, naming, more)
      : this.#plain(identity, series, naming, more);
  }

  #plain(it: Identifier, series: Series, naming: Naming, more: More | undefined): string {
    const { separateInstances, dropDuplicateFields: drops, preserveSeparator } = this.#o;
    const field = (text: string): string => this.#field(text, preserveSeparator);
    const join = (name: string, instance: string): string =>
      instance === '' ? name : `${name}${separateInstances ? '.' : '-'}${field(instance)}`;
    const plugin = join(it.plugin, it.pluginInstance);
    const same = drops && it.plugin === it.type && it.typeInstance !== '';
    const type = same ? field(it.typeInstance) : join(it.type, it.typeInstance);
    const source = this.#source(it);
    const once = drops && source !== '' && plugin === type;
    const path = [
      levels(naming.prefix ?? ''),
      this.#o.prefix + field(this.#host(it, series, naming)) + this.#o.postfix,
      levels(naming.suffix),
      plugin,
      once ? '' : type,
      source,
    ];
    const rest = more === undefined ? [] : valuesOf(more).map((value) => `.${segment(value)}`);
    return neat(this.#clean(path.join('.'))) + rest.join('');
  }

  #tagged(it: Identifier, series: Series, naming: Naming, more: More | undefined): string {
    const { prefix, postfix, dropDuplicateFields: drops } = this.#o;
    const source = this.#source(it);
    const same = drops && it.plugin === it.type;
    const name = neat(`${it.plugin}.${same ? '' : it.type}.${source}`);
    const path = [levels(naming.prefix ?? ''), levels(naming.suffix), prefix + name + postfix];
    const instance = drops && it.pluginInstance === it.typeInstance ? '' : it.typeInstance;
    const own = Object.entries({
      host: this.#host(it, series, naming),
      plugin: it.plugin,
      plugin_instance: it.pluginInstance,
      type: same ? '' : it.type,
      type_instance: instance,
      ds_name: source,
    }).map(([tag, text]) => [tag, this.#tag(text)] as const);
    const ours = Object.entries({ ...naming.labels, ...more?.labels })
      .map(([tag, text]) => [tagName(tag), text && tagValue(text)] as const)
      .sort();
    const tags = [...own, ...ours].filter(([, text]) => text !== '');
    return (
      neat(this.#clean(path.join('.'))) + tags.map(([tag, text]) => `;${tag}=${text}`).join('')
    );
  }

  #source({ source }: Identifier): string {
    return source === '' && this.#o.alwaysAppendDS ? 'value' : source;
  }

  #host(it: Identifier, series: Series, naming: Naming): string {
    const host = it.host ?? hostOf(series, naming);
    return this.#o.reverseHost ? host.split('.').reverse().join('.') : host;
  }

  /** One field of an identity, escaped as write_graphite does first; then it {@link #clean}s the whole. */
  #field(text: string, dots: boolean): string {
    const { escapeCharacter } = this.#o;
    const plain = shortened(text, LONGEST_FIELD).replace(BLANK_OR_CONTROL, () => escapeCharacter);
    return dots ? plain : plain.replaceAll('.', () => escapeCharacter);
  }

  /** Carbon refuses a tag whose value begins with a tilde. */
  #tag(text: string): string {
    return this.#clean(this.#field(text, true)).replace(/^~/, () => this.#o.escapeCharacter);
  }

  #clean(text: string): string {
    return text.replace(FORBIDDEN, () => this.#o.escapeCharacter);
  }
}

/** write_graphite's formats: `%.15g`, `%f`, and integers; a counter of ours may have a fraction. */
const GAUGE = { reading: 'value', precision: undefined, significant: 15 } as const;
const RATE = { reading: 'rate', precision: 6 } as const;
const SHARE_OF_RATES = { ...GAUGE, reading: 'rate' } as const;
const READY_RATE = { reading: 'value', precision: 6 } as const;
const AS_IT_STANDS = { reading: 'value', precision: undefined } as const;
const COUNTER = { reading: 'value', precision: 0 } as const;

function formOf({ type, share }: Row, { metric }: Series, rates: boolean) {
  switch (type) {
    case 'gauge':
      return share === undefined || metric.kind === 'gauge' ? GAUGE : SHARE_OF_RATES;
    case 'derive':
      return rates ? RATE : COUNTER;
    case 'rate':
      return rates ? READY_RATE : undefined;
  }
}

function create(o: Options): Pick<Dialect, 'spell' | 'wholeOf'> {
  const lookUp = lookUpIn(o);
  const writer = new Writer(o);
  const spell = (series: Series, naming: Naming): readonly Spelling[] => {
    const rates = o.storeRates ?? naming.counters !== 'raw';
    const rows = lookUp(series);
    if (rows === undefined) {
      const plain = writer.identify(genericIdentity(series), series, naming);
      if (series.metric.origin?.dialect === 'collectd') {
        const form = series.metric.kind === 'gauge' ? GAUGE : rates ? RATE : COUNTER;
        const path = writer.path(plain, series, naming);
        return [{ series, path, ...form, scale: 1, offset: 0, identifier: plain }];
      }
      const guests = guestOf(series) !== undefined && !naming.tags && !o.useTags;
      const path = writer.path(plain, series, naming, guests ? withoutGuest(series) : series);
      // In parts, it has a place for the labels.
      const values = valuesOf(plain.host === undefined ? series : withoutGuest(series));
      const instance = [plain.pluginInstance, ...values].filter((part) => part !== '').join('-');
      const identifier = { ...plain, pluginInstance: instance };
      const form = series.metric.kind === 'gauge' ? GAUGE : rates ? RATE : AS_IT_STANDS;
      return [{ series, path, ...form, scale: 1, offset: 0, identifier }];
    }
    return rows.flatMap((row): Spelling[] => {
      const form = formOf(row, series, rates);
      if (form === undefined) return [];
      const { scale, offset, summed, precision = form.precision } = row;
      const plain = identityOf(row.identifier, series.labels);
      const identifier = writer.identify(plain, series, naming);
      const path = writer.path(identifier, series, naming);
      const share = row.share && wholeName(fill(row.share, series.labels), series.host);
      return [{ series, path, ...form, precision, scale, offset, summed, share, identifier }];
    });
  };
  return { spell, wholeOf: wholeOfIn(o) };
}

/**
 * The names, values and lines of collectd 5.12, as its write_graphite plugin sends them.
 *
 * What collectd does not have gets a name in its manner: `web01.network.derive-multicast.eth0`.
 * docs/dialects/collectd.md lists what differs and why.
 *
 * @see https://collectd.org/documentation/manpages/collectd.conf.5.shtml#plugin_write_graphite
 */
export const collectd: Dialect = defineDialect({
  name: 'collectd',
  summary: 'The names and values of collectd, as its write_graphite plugin sends them.',
  options,
  create,
});
