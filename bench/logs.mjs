// What culling a log costs beside others: `npm run bench:logs`. See bench/README.md.
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { install } from './install.mjs';
import { contenders, PYTHON, run } from './logs/contenders.mjs';
import { generate } from './logs/generate.mjs';
import { page, summary } from './logs/page.mjs';
import { tell, workFolder } from './session.mjs';

const PAGE = fileURLToPath(new URL('../docs/logs-performance.md', import.meta.url));

const { values: given } = parseArgs({
  options: {
    lines: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '7' },
    only: { type: 'string' },
    out: { type: 'string' },
    write: { type: 'string' },
  },
});
const lines = Number(given.lines);
const rounds = Number(given.rounds);
if (!(lines > 0 && rounds > 0)) throw new Error('--lines and --rounds must be numbers above 0');

const work = workFolder();

tell(`making two logs of ${lines} lines`);
const logs = { access: `${work}/access.log`, postfix: `${work}/mail.log` };
generate('access', logs.access, lines);
generate('postfix', logs.postfix, lines);

const names = given.only?.split(',');
const wanted = contenders(logs, work).filter(({ name }) => names?.includes(name) ?? true);
install([{ program: PYTHON, packages: ['python3'] }, ...wanted]);
const there = wanted.filter(({ program }) => existsSync(program));
const missing = wanted.filter((one) => !there.includes(one)).map(({ name }) => name);
if (missing.length > 0) tell(`left out, not installed: ${missing.join(', ')}`);

const rows = there.map((contender) => ({ contender, cpu: /** @type {number[]} */ ([]), rss: 0 }));
const start = { cpu: /** @type {number[]} */ ([]), rss: 0 };
const nothing = `${work}/nothing.log`;
writeFileSync(nothing, '');
const idle = there.find(({ name }) => name === 'cullinan cull access');
for (let round = 1; round <= rounds; round += 1) {
  tell(`round ${round} of ${rounds}`);
  for (const row of rows) {
    const { cpu, rss } = run(row.contender, work);
    row.cpu.push(cpu);
    row.rss = Math.max(row.rss, rss);
  }
  if (idle === undefined) continue;
  const empty = { ...idle, words: [...idle.words.slice(0, -1), nothing] };
  const { cpu, rss } = run(empty, work);
  start.cpu.push(cpu);
  start.rss = Math.max(start.rss, rss);
}

const bytes = { access: statSync(logs.access).size, postfix: statSync(logs.postfix).size };
const report = { lines, bytes, rounds, rows, start, missing: [...new Set(missing)] };
console.log(summary(report));
if (given.out !== undefined) writeFileSync(given.out, `${JSON.stringify(report, null, 2)}\n`);
const file = given.write ?? (names === undefined && lines === 1e6 ? PAGE : undefined);
if (file !== undefined) writeFileSync(file, page(report));
