/** A message of RFC 5424, as strictly as the grammar there: section 6. */
export interface SyslogMessage {
  readonly facility: number;
  readonly severity: number;
  /** As it is written; `undefined` where it is left out, as with the others. */
  readonly timestamp: string | undefined;
  readonly hostname: string | undefined;
  readonly appName: string | undefined;
  readonly procId: string | undefined;
  readonly msgId: string | undefined;
  /** By the name of the element, then by that of the parameter. */
  readonly data: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly text: string;
}

const HEADER =
  /^<(0|[1-9]\d{0,2})>([1-9]\d{0,2}) (\S+) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) ([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) /;
const TIMESTAMP =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const NAME = '[\\x21\\x23-\\x3c\\x3e-\\x5c\\x5e-\\x7e]{1,32}';
const ELEMENT = new RegExp(`^\\[(${NAME})`);
const PARAM = new RegExp(`^ (${NAME})="((?:[^"\\\\\\]]|\\\\["\\\\\\]])*)"`);

const nil = (text: string): string | undefined => (text === '-' ? undefined : text);

/** @throws if it is not exactly what the RFC allows. */
export function parseSyslog(message: string): SyslogMessage {
  const refuse = (what: string): never => {
    throw new SyntaxError(`${what}: ${JSON.stringify(message)}`);
  };
  const header = HEADER.exec(message) ?? refuse('header');
  const [all, priority = '', version, timestamp = '', hostname = '', app = '', proc = '', id = ''] =
    header;
  if (Number(priority) > 191) refuse('priority');
  if (version !== '1') refuse('version');
  if (timestamp !== '-' && !TIMESTAMP.test(timestamp)) refuse('timestamp');
  let rest = message.slice(all.length);
  const data = new Map<string, Map<string, string>>();
  if (rest.startsWith('-')) rest = rest.slice(1);
  else {
    while (rest.startsWith('[')) {
      const [begun, name = ''] = ELEMENT.exec(rest) ?? refuse('element');
      if (data.has(name)) refuse('an element twice');
      rest = rest.slice(begun.length);
      const params = new Map<string, string>();
      for (let found = PARAM.exec(rest); found !== null; found = PARAM.exec(rest)) {
        const [whole, param = '', value = ''] = found;
        params.set(param, value.replace(/\\(["\\\]])/g, '$1'));
        rest = rest.slice(whole.length);
      }
      if (!rest.startsWith(']')) refuse('the end of an element');
      rest = rest.slice(1);
      data.set(name, params);
    }
    if (data.size === 0) refuse('structured data');
  }
  if (rest !== '' && !rest.startsWith(' ')) refuse('what follows the structured data');
  const text = rest.slice(1);
  // Without the mark it must be plain; with it, the mark is no part of the text.
  if (!text.startsWith('\ufeff') && !/^[\x20-\x7e]*$/.test(text)) refuse('text');
  return {
    facility: Math.floor(Number(priority) / 8),
    severity: Number(priority) % 8,
    timestamp: nil(timestamp),
    hostname: nil(hostname),
    appName: nil(app),
    procId: nil(proc),
    msgId: nil(id),
    data,
    text: text.replace(/^\ufeff/, ''),
  };
}

/** The messages of a stream, each behind its length (RFC 6587, 3.4.1); an unfinished end is left out. */
export function readOctetCounted(received: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at < received.length; ) {
    const space = received.indexOf(' ', at);
    if (space < 0) break;
    const digits = received.toString('latin1', at, space);
    if (!/^[1-9]\d*$/.test(digits)) throw new SyntaxError(`no length: ${digits.slice(0, 20)}`);
    const end = space + 1 + Number(digits);
    if (end > received.length) break;
    messages.push(received.toString('utf8', space + 1, end));
    at = end;
  }
  return messages;
}
