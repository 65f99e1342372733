// The logs that the bench culls: made up, and the same ones each time.
import { closeSync, openSync, writeSync } from 'node:fs';

const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
  'curl/8.5.0',
  'Googlebot/2.1 (+http://www.google.com/bot.html)',
];
const METHODS = ['GET', 'GET', 'GET', 'POST'];
/** Of 92 answers 80 are 200. */
const STATUSES = [301, 302, 304, 304, 304, 404, 404, 404, 403, 500, 502, 101];
const DOMAINS = ['example.com', 'example.net', 'example.org', 'mail.invalid'];
const OUTCOMES = ['sent', 'sent', 'sent', 'deferred', 'bounced'];
/** Of both logs. */
const LINES_A_SECOND = 50;

/** Numbers below a bound that look random: Marsaglia's xorshift32. */
function numbers() {
  let state = 7;
  return (/** @type {number} */ below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** @typedef {(below: number) => number} Random */

/** @type {<T>(random: Random, from: readonly T[]) => T} */
const one = (random, from) => /** @type {any} */ (from[random(from.length)]);

/** `08:38:12` of a line. */
function time(/** @type {number} */ line) {
  const second = Math.floor(line / LINES_A_SECOND);
  const parts = [Math.floor(second / 3600) % 24, Math.floor(second / 60) % 60, second % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function access(/** @type {Random} */ random, /** @type {number} */ line) {
  const address = `10.${random(256)}.${random(256)}.${random(256)}`;
  const request = `${one(random, METHODS)} /app/${random(2000)}/item?id=${random(1e6)} HTTP/1.1`;
  const status = random(92) < 80 ? 200 : one(random, STATUSES);
  const from = `https://www.example.com/p/${random(500)}`;
  return `${address} - - [01/Jul/2025:${time(line)} +0000] "${request}" ${status} ${random(90_000)} "${from}" "${one(random, AGENTS)}"\n`;
}

function postfix(/** @type {Random} */ random, /** @type {number} */ line) {
  const kind = random(4);
  const id = (random(2 ** 20) * 2 ** 20 + random(2 ** 20)).toString(16).toUpperCase();
  const head = (/** @type {string} */ agent) =>
    `Jul  1 ${time(line)} mx1 postfix/${agent}[${random(30_000)}]: ${id.padStart(10, '0')}: `;
  const address = `<u${random(9999)}@${one(random, DOMAINS)}>`;
  if (kind < 2) {
    const delay = (random(900) / 100).toFixed(2);
    const relay = `${one(random, DOMAINS)}[192.0.2.${random(255)}]:25`;
    return `${head('smtp')}to=${address}, relay=${relay}, delay=${delay}, delays=0.1/0/0.5/0.6, dsn=2.0.0, status=${one(random, OUTCOMES)} (250 ok)\n`;
  }
  if (kind === 2) {
    return `${head('qmgr')}from=${address}, size=${random(99_999)}, nrcpt=1 (queue active)\n`;
  }
  return `${head('cleanup')}message-id=${address}\n`;
}

/** What there is to make. */
const LOGS = { access, postfix };

/**
 * @param {keyof typeof LOGS} kind
 * @param {string} path
 * @param {number} lines
 */
export function generate(kind, path, lines) {
  const random = numbers();
  const file = openSync(path, 'w');
  let text = '';
  for (let line = 0; line < lines; line += 1) {
    text += LOGS[kind](random, line);
    if (text.length < 1 << 20 && line < lines - 1) continue;
    writeSync(file, text);
    text = '';
  }
  closeSync(file);
}
