import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { put, scratchFolder } from '../support/plugins.ts';
import { cullinan, PROGRAM } from '../support/program.ts';

const collector = (name: string, value: string, before = ''): string => `
import { count, defineCollector, gauge, z } from 'cullinan/plugin';
${before}
const metrics = { one: gauge('own.${name}', { unit: 'count', help: 'One.' }) };
export default defineCollector({
  name: '${name}', summary: 'Observes ${name}.', source: 'nothing',
  options: z.strictObject({ times: z.number().min(1).default(1).describe('So many times.') }),
  metrics,
  *collect({ options }) { yield metrics.one.observe(count(options.times * (${value}))); },
});
`;

interface Line {
  readonly name: string;
  readonly value: number;
  readonly time: number;
  readonly host: string;
}

/** An agent, and a folder for what it is given and for what it writes. */
function agent(yaml: string, files: Readonly<Record<string, string>>) {
  const folder = scratchFolder();
  const config = join(folder, 'cullinan.yaml');
  const configure = (text: string) => put(folder, 'cullinan.yaml', text.replaceAll('DIR', folder));
  for (const [name, text] of Object.entries(files)) put(folder, name, text);
  configure(yaml);
  let child: ChildProcess | undefined;
  let text = '';
  const log = () => text.split('\n').filter((line) => line.startsWith('{'));
  const said = async (what: string | RegExp) => {
    const has = (line: string) =>
      typeof what === 'string' ? line.includes(what) : what.test(line);
    await vi.waitFor(() => expect(log().some(has), `${what}\n${text}`).toBe(true), 15_000);
  };
  const start = () => {
    child = spawn(process.execPath, [PROGRAM, 'run', '--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const { stderr, pid } = child;
    stderr?.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    onTestFinished(() => void child?.kill('SIGKILL'));
    return pid;
  };
  const samples = () => {
    const path = join(folder, 'out.json');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
    return lines.map((line) => JSON.parse(line) as Line);
  };
  const values = (name: string) => samples().flatMap((it) => (it.name === name ? [it.value] : []));
  const signal = (name: NodeJS.Signals) => child?.kill(name);
  return {
    folder,
    config,
    configure,
    log,
    said,
    start,
    samples,
    values,
    signal,
    words: ['--config', config],
  };
}

const FAST = `
interval: 200ms
shutdown: { timeout: 1s }
status: { enabled: false }
plugins: { folders: [DIR/plugins], packages: [DIR/node_modules] }
`;
/** A busy machine takes a while to start a thread, and half an interval is all that a collection has. */
const CALM = FAST.replace('interval: 200ms', 'interval: 10s');
const QUIET = 'default: { enabled: false }';
const OUT = 'handlers: { out: { type: file, path: DIR/out.json, format: json } }\n';

describe('a file that is dropped into the folder', () => {
  test('is treated by every command as what is built in', async () => {
    const { words } = agent(`${CALM}collectors: { mine: { times: 3 } }\n`, {
      'plugins/mine.ts': collector('mine', '7'),
    });
    const once = await cullinan(['once', 'mine', '--over', '0s', ...words]);
    expect(once).toMatchObject({ code: 0, stderr: '' });
    expect(once.stdout).toMatch(/^own\.mine 21 count \d+\n$/);
    const list = await cullinan(['list', ...words]);
    expect(list.stdout).toMatch(/^ {2}mine +Observes mine\.$/m);
    const described = await cullinan(['describe', 'mine', ...words]);
    expect(described.stdout).toContain('times: number ≥ 1, default 1\n      So many times.');
    const check = await cullinan(['check', ...words]);
    expect(check.code, check.stderr).toBe(0);
    expect(check.stdout).toContain('own.mine');
    const schema = await cullinan(['describe', 'schema', ...words]);
    expect(JSON.parse(schema.stdout)).toHaveProperty(
      'properties.collectors.properties.mine.properties.times.minimum',
      1,
    );
  });

  test.each([
    ['tims: 3', /unknown option "tims" in collectors\.mine.*\^ did you mean "times"\?/s],
    ['times: 0', /collectors\.mine\.times must be at least 1/],
    ['times: many', /collectors\.mine\.times must be a number/],
  ])('has its options checked: %s', async (options, said) => {
    const { words } = agent(`${FAST}collectors: { mine: { ${options} } }\n`, {
      'plugins/mine.ts': collector('mine', '7'),
    });
    const { code, stderr } = await cullinan(['check', ...words]);
    expect(code).toBe(78);
    expect(stderr).toMatch(said);
    expect(stderr).toContain('Options: cullinan describe mine');
  });

  test('costs itself alone where it cannot be loaded, and check says so', async () => {
    const { words } = agent(`${FAST}collectors: { broken: {}, mine: {} }\n`, {
      'plugins/broken.ts': `${collector('broken', '7')}\nconst = 3;\n`,
      'plugins/mine.ts': collector('mine', '7'),
    });
    const { code, stdout, stderr } = await cullinan(['check', ...words]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/Warning: .*broken\.ts:12:7: .*This plugin is left out/);
    expect(stderr).toContain('The configuration is fine, but for the plugins that are left out: ');
    expect(stdout).toContain('own.mine');
  });

  test('waits until it is configured where it needs an option', async () => {
    const needy = collector('needy', '7').replace('.default(1)', '');
    for (const here of ['', 'inProcess: [needy], ']) {
      const settings = FAST.replace('plugins: { ', `plugins: { ${here}`);
      const files = { 'plugins/needy.ts': needy };
      const { words } = agent(settings, files);
      const check = await cullinan(['check', ...words]);
      expect(check.code, check.stderr).toBe(0);
      expect(check.stdout).not.toContain('own.needy');
      const given = agent(`${settings}collectors: { needy: { times: 3 } }\n`, files);
      const once = await cullinan(['once', 'needy', '--over', '0s', ...given.words]);
      expect(once.stdout, once.stderr).toMatch(/^own\.needy 21 /);
      const bare = agent(`${settings}collectors: { needy: {} }\n`, files);
      const wrong = await cullinan(['check', ...bare.words]);
      expect(wrong.stderr).toContain('collectors.needy needs the option "times"');
    }
    const described = await cullinan([
      'describe',
      'needy',
      ...agent(FAST, { 'plugins/needy.ts': needy }).words,
    ]);
    expect(described.stdout).toMatch(/^needy \(collector, runs only where configured\)$/m);
  });

  test('keeps nobody from starting, whatever its options are', async () => {
    const { words } = agent(FAST, {
      'plugins/text.ts': collector('text', '7').replace(
        /options: z.*,\n/,
        'options: z.string(),\n',
      ),
      'plugins/late.ts': collector('late', '7').replace(
        '.describe',
        '.refine(async () => true).describe',
      ),
      'plugins/moves.ts': collector('moves', '7', "process.chdir('/');"),
      'plugins/masks.ts': collector('masks', '7', 'process.umask(process.umask());'),
    });
    const { stderr, stdout } = await cullinan(['check', ...words]);
    expect(stderr).toMatch(/masks\.ts:\d+:\d+: process\.umask\(\) does not work where/);
    expect(stderr).toMatch(/text\.ts: .* needs options that are an object: z\.strictObject/);
    expect(stderr).toMatch(/late\.ts: .* has options that cannot be checked: .*synchronous/);
    expect(stderr).toMatch(/moves\.ts:\d+:\d+: process\.chdir\(\) does not work where plugins run/);
    expect(stdout).toContain('system.cpu');
  });

  test('may be no dialect, and is told what there is in place of it', async () => {
    const { words } = agent(`${FAST}\n`, {
      'plugins/mine.ts': "export default { name: 'mine', summary: 'Mine.', spell: () => [] };\n",
    });
    const { code, stderr } = await cullinan(['check', ...words]);
    expect(code).toBe(78);
    expect(stderr).toMatch(
      /mine\.ts: exports a dialect by default, .* \(relabel: .*docs\/delivery\.md/,
    );
  });

  test('is missed where its folder is not there', async () => {
    const { words } = agent(
      `plugins: { folders: [/etc/cullinan/plugins, DIR/plugs], packages: [DIR/none] }\n`,
      {},
    );
    const { code, stderr } = await cullinan(['check', ...words]);
    expect(code, stderr).toBe(0);
    expect(stderr.match(/^Warning: plugins: there is no .*$/gm)).toEqual([
      expect.stringMatching(/\/plugs, so nothing is taken from there\.$/),
      expect.stringMatching(/\/none, so nothing is taken from there\.$/),
    ]);
    expect(stderr).toContain('The configuration is fine: ');
  });

  test('may print while it is loaded, by whatever way', async () => {
    const { words } = agent(`${FAST}collectors: { mine: {}, worse: {}, yours: {} }\n`, {
      'plugins/mine.ts': collector(
        'mine',
        '7',
        `import { writeSync } from 'node:fs'; writeSync(1, 'hello\\n'); console.log('hello');`,
      ),
      'plugins/worse.ts': collector('worse', '7', `require('node:fs').writeSync(3, 'hello\\n');`),
      'plugins/yours.ts': collector('yours', '7'),
    });
    const { code, stdout, stderr } = await cullinan(['check', ...words]);
    expect(code, stderr).toBe(78);
    expect(stdout).toMatch(/own\.mine[\s\S]*own\.yours/);
    expect(stderr).toMatch(/worse\.ts: it writes to a descriptor that is not its own/);
  });

  test('may have files beside it, packages of its own, and all doors', async () => {
    const { words } = agent(CALM, {
      'plugins/mine.ts': collector(
        'mine',
        'seven() + double(2) + encode.length + join("a", "b").length',
        `import { join } from 'node:path';
import { encodeText } from 'cullinan/wire/lines';
import double from 'doubling';
import { seven } from './lib/seven.ts';
const encode = typeof encodeText;`,
      ),
      'plugins/lib/seven.ts': 'export const seven = (): number => 7;\n',
      'plugins/node_modules/doubling/package.json': '{"name":"doubling","main":"index.js"}',
      'plugins/node_modules/doubling/index.js': 'module.exports = (n) => 2 * n;\n',
    });
    const { stdout, stderr } = await cullinan(['once', 'mine', '--over', '0s', ...words]);
    expect(stdout, stderr).toMatch(/^own\.mine 22 count/);
  });

  test('may be a package called cullinan-…, in modules of JavaScript', async () => {
    const { words } = agent(CALM, {
      'node_modules/cullinan-mine/package.json':
        '{"name":"cullinan-mine","type":"module","exports":{".":{"import":"./lib/index.js"}}}',
      'node_modules/cullinan-mine/lib/index.js': collector('mine', '7'),
      'node_modules/@acme/cullinan-yours/package.json': '{"main":"yours.ts"}',
      'node_modules/@acme/cullinan-yours/yours.ts': collector('yours', '8'),
      'node_modules/other/package.json': '{"main":"gone.js"}',
    });
    const { stdout, stderr } = await cullinan(['once', 'mine', 'yours', '--over', '0s', ...words]);
    expect(stdout, stderr).toMatch(/^own\.mine 7 count \d+\nown\.yours 8 count \d+\n$/);
  });

  test('is told what it gave back in place of observations', async () => {
    const own = (name: string, collect: string) =>
      collector(name, '1').replace(/\*collect.*/, collect);
    const { words } = agent(CALM, {
      'plugins/a.ts': own('a', 'collect() { metrics.one.observe(count(1)); },'),
      'plugins/b.ts': own('b', 'async collect() { return metrics.one.observe(count(1)); },'),
      'plugins/c.ts': own('c', 'open() { return { close() {} }; },'),
    });
    const { stderr } = await cullinan(['once', 'a', 'b', 'c', '--over', '0s', ...words]);
    for (const name of ['a', 'b']) {
      expect(stderr).toContain(`collector ${name}: what collect() gave back is no list of obs`);
    }
    expect(stderr).toContain('collector c: what open() gave back has no collect()');
  });

  test('runs in the agent’s own thread where that is wished', async () => {
    const { words } = agent(CALM.replace('plugins: {', 'plugins: { inProcess: [mine],'), {
      'plugins/mine.ts': collector(
        'mine',
        'isMainThread ? 1 : 2',
        `import { isMainThread } from 'node:worker_threads';`,
      ),
      'plugins/yours.ts': collector(
        'yours',
        'isMainThread ? 1 : 2',
        `import { isMainThread } from 'node:worker_threads';`,
      ),
    });
    const { stdout, stderr } = await cullinan(['once', 'mine', 'yours', '--over', '0s', ...words]);
    expect(stdout, stderr).toMatch(/^own\.mine 1 count \d+\nown\.yours 2 count \d+\n$/);
  });
});

test('what is observed in a thread is all there, at once or late, of other hosts and other times', async () => {
  const own = (name: string, collect: string) =>
    collector(name, '1', 'let n = 0;').replace(/\*collect.*/, `*collect({ time }) { ${collect} },`);
  const names = ['prompt', 'late', 'abroad', 'timed'];
  const on = names.map((name) => `${name}: { enabled: true }`).join(', ');
  const patient = 'default: { enabled: false, timeout: 15s }';
  // Longer than anybody waits for it without the event loop.
  const slow = 'if (n % 3 === 0) for (const end = Date.now() + 10; Date.now() < end; );';
  const { start, samples, log } = agent(`${FAST}collectors: { ${patient}, ${on} }\n${OUT}`, {
    'plugins/prompt.ts': own('prompt', 'yield metrics.one.observe(count(++n));'),
    'plugins/late.ts': own('late', `n += 1; ${slow} yield metrics.one.observe(count(n));`),
    'plugins/abroad.ts': own(
      'abroad',
      `n += 1; yield { ...metrics.one.observe(count(n)), host: 'guest' };`,
    ),
    'plugins/timed.ts': own(
      'timed',
      'n += 1; const at = n % 2 === 0 ? { time: time - 60 } : {}; yield { ...metrics.one.observe(count(n)), ...at };',
    ),
  });
  start();
  const of = (name: string) => samples().filter((it) => it.name === `own.${name}`);
  await vi.waitFor(() => {
    for (const name of names) expect(of(name).length, log().join('\n')).toBeGreaterThan(8);
  }, 15_000);
  for (const name of names) {
    const values = of(name).map(({ value }) => value);
    expect(values).toEqual(values.map((_, i) => i + 1));
  }
  expect(new Set(of('abroad').map(({ host }) => host))).toEqual(new Set(['guest']));
  const [odd, even] = [1, 0].map((rest) => of('timed').filter(({ value }) => value % 2 === rest));
  expect((odd?.[1]?.time ?? 0) - (even?.[0]?.time ?? 0)).toBeGreaterThan(59);
});

test('a reload loads anew what has changed, and leaves the others as they are', async () => {
  const counting = (name: string, from: number) => collector(name, 'n++', `let n = ${from};`);
  const it = agent(
    `${FAST}${OUT}collectors: { ${QUIET}, a: { enabled: true }, b: { enabled: true } }\n`,
    {
      'plugins/a.ts': counting('a', 1),
      'plugins/b.ts': counting('b', 1),
    },
  );
  it.start();
  await vi.waitFor(() => expect(it.values('own.a').length).toBeGreaterThan(2), 15_000);
  put(it.folder, 'plugins/a.ts', counting('a', 1000));
  put(it.folder, 'plugins/broken.ts', 'export default {');
  it.signal('SIGHUP');
  await it.said('started a, stopped a, 2 untouched');
  await it.said(/broken\.ts:1:\d+: this is no TypeScript/);
  await vi.waitFor(() => expect(it.values('own.a')).toContain(1002), 15_000);
  expect(it.values('own.a')).toContain(1000);
  const b = it.values('own.b');
  expect(b).toEqual(b.map((_, i) => i + 1));
  rmSync(join(it.folder, 'plugins/a.ts'));
  it.configure(`${FAST}${OUT}collectors: { ${QUIET}, b: { enabled: true } }\n`);
  it.signal('SIGHUP');
  await it.said('started nothing, stopped a, 2 untouched');
});

test('a reload says to whoever asks for it which plugins are left out', async () => {
  const listening = FAST.replace('{ enabled: false }', '{ socket: DIR/status.sock }');
  const it = agent(`${listening}${OUT}collectors: { ${QUIET}, a: { enabled: true } }\n`, {
    'plugins/a.ts': collector('a', '1'),
  });
  it.start();
  await vi.waitFor(() => expect(existsSync(join(it.folder, 'status.sock'))).toBe(true), 15_000);
  put(it.folder, 'plugins/a.ts', 'export default {');
  const { code, stderr } = await cullinan(['reload', ...it.words]);
  expect(stderr).toMatch(/^Warning: .*a\.ts:1:\d+: this is no TypeScript.* left out/);
  expect(code).toBe(0);
  await it.said('stopped a');
});

const HANDLER = `
import { connect } from 'node:net';
import { once } from 'node:events';
import { defineHandler, Unsendable, z } from 'cullinan/plugin';
export default defineHandler({
  name: 'plain', summary: 'Lines over TCP.', options: z.strictObject({ port: z.int() }),
  dialect: 'otel', counters: 'raw', idempotent: true, acknowledged: false,
  async open({ options, signal }) {
    const socket = connect(options.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect', { signal });
    const gone = new Promise((resolve) => socket.once('close', resolve));
    return {
      ended: gone,
      async write(batch) {
        if (batch.some(({ value }) => value === 13)) throw new Unsendable('an unlucky number', { points: 1 });
        const text = batch.map(({ name, value, time }) => \`\${name.path} \${value} \${time}\\n\`).join('');
        if (text.includes('hang')) await new Promise(() => {});
        await new Promise((resolve) => socket.write(text, resolve));
      },
      close: () => void socket.end(),
    };
  },
});
`;

/** A peer that keeps the lines it is sent. */
async function peer() {
  let text = '';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return { port, lines: () => text.split('\n').slice(0, -1), cut };
}

describe('a handler of one’s own', () => {
  /** A busy machine takes longer to start a thread than the half interval that a collection has. */
  const patient = 'mine: { enabled: true, timeout: 5s }';

  test('delivers, and again after its peer has gone', async () => {
    const { port, lines, cut } = await peer();
    const handlers = `handlers: { plain: { port: ${port}, backoff: { least: 50ms, most: 100ms } } }\n`;
    const collectors = `collectors: { ${QUIET}, ${patient} }\n`;
    const it = agent(FAST + handlers + collectors, {
      'plugins/plain.ts': HANDLER,
      'plugins/mine.ts': collector('mine', 'n++', 'let n = 10;'),
    });
    it.start();
    await vi.waitFor(() => expect(lines().length).toBeGreaterThan(5), 15_000);
    cut();
    const before = lines().length;
    await vi.waitFor(() => expect(lines().length).toBeGreaterThan(before + 5), 15_000);
    it.signal('SIGTERM');
    await it.said('stopped: ');
    const values = new Set(lines().map((line) => Number(line.split(' ')[1])));
    expect(values.has(13)).toBe(false);
    const most = Math.max(...values);
    const all = Array.from({ length: most - 9 }, (_, i) => 10 + i).filter((n) => n !== 13);
    expect([...values].sort((a, b) => a - b)).toEqual(all);
    await it.said('an unlucky number');
  });

  const DIVIDED = HANDLER.replace(
    'port: z.int()',
    'port: z.int().optional(), ports: z.array(z.int()).default([]), share: z.boolean().default(false)',
  ).replace(
    'async open(',
    "peers: ({ ports, share }) => ports.map((port) => ({ name: 'at' + port, options: { port, ports: [], share }, ...(share && { accepts: () => true }) })),\n  async open(",
  );

  test('may have several peers, each with a queue of its own', async () => {
    const [one, other] = [await peer(), await peer()];
    const it = agent(
      `${FAST}handlers: { plain: { ports: [${one.port}, ${other.port}], backoff: { least: 50ms, most: 100ms } } }
collectors: { ${QUIET}, ${patient} }\n`,
      { 'plugins/plain.ts': DIVIDED, 'plugins/mine.ts': collector('mine', 'n++', 'let n = 20;') },
    );
    it.start();
    await vi.waitFor(() => expect(one.lines().length).toBeGreaterThan(5), 15_000);
    one.cut();
    await vi.waitFor(() => expect(other.lines().length).toBeGreaterThan(10), 15_000);
    it.signal('SIGTERM');
    await it.said('stopped: ');
    const values = other.lines().map((line) => Number(line.split(' ')[1]));
    expect(values).toEqual(values.map((_, i) => 20 + i));
    expect(it.log().find((line) => line.includes('stopped: '))).toContain(`plain[at${one.port}]`);
  });

  test('that divides its points by path is told where that works', async () => {
    const { words } = agent(`${FAST}handlers: { plain: { ports: [1, 2], share: true } }\n`, {
      'plugins/plain.ts': DIVIDED,
    });
    const { code, stderr } = await cullinan(['check', ...words]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/divides its points .* plugins: \{ inProcess: \[plain\] \}/);
  });

  test('is told what it gave back in place of a connection', async () => {
    const nothing = HANDLER.replace(/async open[\s\S]*/, 'async open() { return null; },\n});\n');
    const it = agent(`${FAST}handlers: { plain: { port: 1 } }\n`, { 'plugins/plain.ts': nothing });
    it.start();
    await it.said('handler plain: what open() gave back is no connection: return { write, close }');
    it.signal('SIGTERM');
    await it.said('stopped: ');
  });

  test('that does not come back is stopped, and the agent goes on', async () => {
    const { port } = await peer();
    const it = agent(
      `${FAST}handlers: { plain: { port: ${port}, timeout: 300ms, batch: 1 }, out: { type: file, path: DIR/out.json, format: json } }
collectors: { ${QUIET}, hang: { enabled: true } }\n`,
      { 'plugins/plain.ts': HANDLER, 'plugins/hang.ts': collector('hang', 'n++', 'let n = 1;') },
    );
    it.start();
    await it.said(/plain: writing 1 points took longer than 0\.3 s/);
    await vi.waitFor(() => expect(it.values('own.hang').length).toBeGreaterThan(10), 15_000);
    it.signal('SIGTERM');
    await it.said('stopped: ');
  });
});

describe('plugins that share a thread', () => {
  const both = (more: string, files: Readonly<Record<string, string>>) =>
    agent(
      `${FAST.replace('plugins: {', `plugins: { ${more},`)}${OUT}collectors: { ${QUIET}, bad: { enabled: true, timeout: 1s }, good: { enabled: true, timeout: 1s } }\n`,
      { 'plugins/good.ts': collector('good', 'n++', 'let n = 1;'), ...files },
    );

  test('are told apart before one of them is blamed for what is kept in buffers', async () => {
    const it = both('memory: 16MiB', {
      'plugins/bad.ts': collector(
        'bad',
        'kept.push(Buffer.alloc(4e6, 1))',
        'const kept: unknown[] = [];',
      ),
    });
    it.start();
    await it.said(/bad\.ts took more than 16 MiB/);
    const taken = it.log().filter((line) => line.includes('took more than 16 MiB'));
    expect(taken[0]).toMatch(/one of .*(bad\.ts, .*good\.ts|good\.ts, .*bad\.ts) took more/);
    expect(taken.filter((line) => /good\.ts took/.test(line) && !line.includes('one of'))).toEqual(
      [],
    );
  });

  test('cannot add to what all objects are made of', async () => {
    const it = both('block: 2s', {
      'plugins/bad.ts': collector(
        'bad',
        'added()',
        'const added = () => ((Object.prototype as any).every = 1);',
      ),
    });
    it.start();
    await it.said('collector bad: Cannot add property every, object is not extensible');
    const [before] = it.values('own.good').slice(-1);
    await vi.waitFor(() => expect(it.values('own.good').slice(-1)).not.toEqual([before]), 15_000);
    expect(it.log().filter((line) => line.includes('good'))).toEqual([]);
  });

  test('are told apart where they are in one file', async () => {
    const it = both('block: 2s', {
      'plugins/bad.ts': collector('bad', 'one()', 'const one = () => 1;').replace(
        /export default (defineCollector\([\s\S]*\));/,
        `const bad = $1;
export default [{ ...bad, name: 'innocent' }, { ...bad, *collect() { process.exit(); } }];`,
      ),
    });
    it.start();
    await it.said(/bad\.ts \(bad\) ended its thread/);
    expect(it.log().filter((line) => line.includes('(innocent) ended'))).toEqual([]);
  });

  test('are told apart where one keeps another from coming back', async () => {
    const it = both('block: 30s', {
      'plugins/bad.ts': collector('bad', '1', '').replace(
        '*collect(',
        '*collect() { yield metrics.one.observe(count(1)); setTimeout(() => { for (;;); }, 1); }, *never(',
      ),
    });
    it.start();
    const blamed = () =>
      it.log().filter((line) => /\.ts (kept its thread busy|did not come back)/.test(line));
    await vi.waitFor(() => expect(blamed().length).toBeGreaterThan(1), 15_000);
    const [first, ...later] = blamed();
    // By its deadline, which comes before a block of 30 s.
    expect(first).toMatch(
      /one of .*(bad\.ts, .*good|good\.ts, .*bad)\.ts kept its thread busy for more than (0\.\d|1) s/,
    );
    for (const line of later) expect(line).toMatch(/bad\.ts kept its thread busy/);
    expect(later.filter((line) => line.includes('good.ts'))).toEqual([]);
  });

  test('may send what they like through the port of their thread', async () => {
    const it = both('block: 2s', {
      'plugins/bad.ts': collector(
        'bad',
        'n++',
        `import { parentPort } from 'node:worker_threads';
for (const it of [null, undefined, 'text', 5, {}, [], { said: 'nothing' }, { call: 'x' }]) parentPort?.postMessage(it);
let n = 1;`,
      ),
    });
    it.start();
    await vi.waitFor(() => expect(it.values('own.bad').length).toBeGreaterThan(3), 15_000);
    it.signal('SIGTERM');
    await it.said('stopped: ');
  });
});

describe('a parser of one’s own', () => {
  const PARSER = `
import { count, defineParser, delta, z } from 'cullinan/plugin';
const orders = delta('orders', { unit: 'count', labels: ['what'], help: 'Orders.' });
export default defineParser({
  name: 'orders', summary: 'Orders.', source: 'a test', options: z.strictObject({ word: z.string().default('order') }),
  metrics: () => [orders],
  open({ word }) {
    let n = 0;
    return {
      parse({ text }) {
        if (text.includes('forever')) for (;;);
        if (!text.startsWith(word)) return false;
        n += 1;
        return true;
      },
      *report() { yield orders.observe(count(n), { what: word }); n = 0; },
    };
  },
});
`;
  const logs = (parser: string) =>
    `${FAST.replace('plugins: {', 'plugins: { block: 300ms,')}${OUT.replace('json }', 'json, counters: deltas }')}collectors: { ${QUIET}, load: { enabled: true }, logs: { enabled: true, state: DIR/state, timeout: 2s, files: [{ path: DIR/app.log, from: start, parser: ${parser} }] } }\n`;

  test.each([
    ['by its name', 'orders'],
    ['by its path', 'DIR/elsewhere/orders.ts'],
  ])('counts lines, and does not stop the agent where it never returns: %s', async (_, name) => {
    const file = name === 'orders' ? 'plugins/orders.ts' : 'elsewhere/orders.ts';
    const it = agent(logs(`{ name: ${name}, word: big }`), {
      [file]: PARSER,
      'app.log': '',
    });
    it.start();
    await vi.waitFor(() => expect(it.values('orders').length).toBeGreaterThan(1), 15_000);
    appendFileSync(join(it.folder, 'app.log'), 'big order\nsmall order\nbig one\n');
    await vi.waitFor(
      () =>
        expect(
          it.values('orders').reduce((sum, n) => sum + n, 0),
          it.log().join('\n'),
        ).toBe(2),
      15_000,
    );
    appendFileSync(join(it.folder, 'app.log'), 'big one\nforever\n');
    await it.said(/orders\.ts (kept its thread busy|did not come back)/);
    const before = it.values('system.cpu.load_average.1m').length;
    await vi.waitFor(
      () => expect(it.values('system.cpu.load_average.1m').length).toBeGreaterThan(before + 5),
      15_000,
    );
    it.signal('SIGTERM');
    await it.said('stopped: ');
  });

  test('and another one each have a log of their own, in two collectors', async () => {
    const of = (name: string) =>
      `${name}: { type: logs, enabled: true, state: DIR/state-${name}, files: [{ path: DIR/app.log, from: start, parser: ${name} }] }`;
    const it = agent(`${FAST}${OUT}collectors: { ${QUIET}, ${of('sold')}, ${of('given')} }\n`, {
      'plugins/sold.ts': PARSER.replaceAll('orders', 'sold'),
      'plugins/given.ts': PARSER.replaceAll('orders', 'given'),
      'app.log': 'order\n',
    });
    it.start();
    for (const name of ['sold', 'given']) {
      await vi.waitFor(() => expect(it.values(name), it.log().join('\n')).not.toEqual([]), 15_000);
    }
    it.signal('SIGTERM');
    await it.said('stopped: ');
  });
});
