import { rejection } from '../../parsers/postfix.ts';
import { Distribution, statistics } from '../../src/wire/distribution.ts';

/** What is behind the first place where an expression fits, and what it caught; nothing where it does not. */
function behind(
  text: string,
  expression: RegExp,
): readonly [rest: string, caught: string] | undefined {
  const found = expression.exec(text);
  if (found === null) return undefined;
  return [text.slice(found.index + found[0].length), found[1] ?? ''];
}

/** Takes expressions one after the other, each from where the one before ended. */
function caught(text: string, expressions: readonly RegExp[]): readonly string[] | undefined {
  const all: string[] = [];
  let rest = text;
  for (const expression of expressions) {
    const step = behind(rest, expression);
    if (step === undefined) return undefined;
    rest = step[0];
    all.push(step[1]);
  }
  return all;
}

const HEAD = /^(?:[^\d<].{2} .{5}:.{2}:.{2} |\d[^ ]* )[^ ]* ([^:[ ]+)(?:\[[^\]]*\])?: ?(.*)$/s;
const ID = /^(?:[A-Z\d][^ ]{5,21}: )?/;
const NUMBER = /^((?=\.?\d)\d*(?:\.\d*)?)/;
const SLASH = /^\//;
const DELIVERY = [
  ...[/^to=<[^>]*>/, /, relay=/, /^([^,[]*)/, /^[^,]*/, /, delay=/, NUMBER, /, delays=/],
  ...[NUMBER, SLASH, NUMBER, SLASH, NUMBER, SLASH, NUMBER],
  ...[/, dsn=/, /^([^,]*)/, /, status=/, /^([^ ]+)/],
];
const QUEUED = [/^from=<[^>]*>/, /, size=/, /^(\d+)(?=, )/, /^, nrcpt=/, /^(\d+)(?!\.\d)/];

/** What counts by itself, and what does not. */
const named = (name = '') => (name === '' || name.length > 128 ? 'other' : name);

/** What the parser `postfix` reports of lines, made with one regular expression after the other. */
export class PostfixModel {
  readonly #counts = new Map<string, number>();
  readonly #spreads = new Map<string, Distribution>();

  /** @param line each byte as a character. @returns whether it is one of Postfix. */
  parse(line: string): boolean {
    const [, program = '', said = ''] = HEAD.exec(line) ?? [];
    const slash = program.lastIndexOf('/');
    if (slash <= 0) return false;
    const agent = program.slice(slash + 1);
    this.#message(agent, said.replace(ID, ''));
    return true;
  }

  /** By metric and labels, as `deliveries sent`; only what is not 0. */
  report(percentiles: readonly number[]): ReadonlyMap<string, number> {
    const spread = [...this.#spreads].flatMap(([name, it]) =>
      [...statistics(it, percentiles)].map(([word, value]) => [`${name} ${word}`, value] as const),
    );
    return new Map([...this.#counts, ...spread]);
  }

  #message(agent: string, message: string): void {
    const is = (program: string) => agent.startsWith(program);
    const delivery = caught(message, DELIVERY);
    if (delivery !== undefined) this.#delivered(agent, delivery);
    else if (is('cleanup') && message.startsWith('message-id=')) return;
    else if (/^(?:warning|error|fatal|panic): /.test(message)) {
      this.#count(`problems ${message.slice(0, message.indexOf(':'))}`);
      if (message.includes(' authentication failed')) this.#count('sasl_failures');
    } else if (is('qmgr')) this.#queue(message);
    else if (is('smtpd')) this.#session(agent, message);
    else if (is('cleanup')) this.#rejected(message);
    else if (is('postscreen')) {
      const [verdict] = /^(?!CONNECT |DISCONNECT )[A-Z][A-Z-]{2,15}(?= )/.exec(message) ?? [];
      if (verdict === undefined) this.#rejected(message);
      else this.#count(`screened ${verdict}`);
    } else if (is('pickup') && message.startsWith('uid=')) this.#count(`received ${named(agent)}`);
  }

  #delivered(agent: string, parts: readonly string[]): void {
    const [relay, delay, one, two, three, four, dsn, status] = [2, 5, 7, 9, 11, 13, 15, 17].map(
      (part) => parts[part] ?? '',
    );
    const numbers = [delay, one, two, three, four];
    if (numbers.some((number) => (number ?? '').replace('.', '').length > 15)) return;
    this.#count(`deliveries ${named(status)}`);
    this.#count(`agents ${named(agent)}`);
    this.#count(`relays ${named(relay)}`);
    if (status?.startsWith('bounced')) this.#count(`bounces ${named(dsn)}`);
    if (status?.startsWith('deferred')) this.#count(`deferrals ${named(dsn)}`);
    const names = ['before_queue', 'queue', 'connection', 'transmission'];
    for (const [i, name] of ['delay', ...names.map((name) => `delays ${name}`)].entries()) {
      const spread = this.#spreads.get(name) ?? new Distribution();
      this.#spreads.set(name, spread);
      spread.add(Number(numbers[i]));
    }
  }

  #queue(message: string): void {
    const [, , size, , recipients] = caught(message, QUEUED) ?? [];
    if (size !== undefined) {
      this.#count('queued');
      this.#count('queued.bytes', Number(size));
      this.#count('queued.recipients', Number(recipients));
    } else if (message.startsWith('removed')) this.#count('removed');
    else if (message.includes('expired, returned to sender')) this.#count('expired');
  }

  #session(agent: string, message: string): void {
    if (message.startsWith('connect from ')) this.#count('connections');
    else if (message.startsWith('client=')) this.#count(`received ${named(agent)}`);
    else if (/^(?:lost connection|timeout after) /.test(message)) this.#count('connections.lost');
    else this.#rejected(message);
  }

  #rejected(message: string): void {
    const [said] = behind(message.slice(0, 16), /reject: /) ?? [];
    if (said === undefined) return;
    const from = message.indexOf('reject: ') + 'reject: '.length;
    this.#count(`rejects ${rejection(message.slice(from))}`);
  }

  #count(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }
}
