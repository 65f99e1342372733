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
    return lines.map((line) => JSON.parse(line) as { name: string; value: number; time: number });
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
const QUIET = 'default: { enabled: false }';
const OUT = 'handlers: { out: { type: file, path: DIR/out.json, format: json } }\n';

describe('a file that is dropped into the folder', () => {
  test('is treated by every command as what is built in', async () => {
    const { words } = agent(`${FAST}collectors: { mine: { times: 3 } }\n`, {
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
    expect(stdout).toContain('own.mine');
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
    const { words } = agent(FAST, {
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
    const { words } = agent(FAST, {
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

  test('runs in the agent’s own thread where that is wished', async () => {
    const { words } = agent(FAST.replace('plugins: {', 'plugins: { inProcess: [mine],'), {
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
  test('delivers, and again after its peer has gone', async () => {
    const { port, lines, cut } = await peer();
    const handlers = `handlers: { plain: { port: ${port}, backoff: { least: 50ms, most: 100ms } } }\n`;
    const collectors = `collectors: { ${QUIET}, mine: { enabled: true } }\n`;
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

  test('that does not come back is stopped, and the agent goes on', async () => {
    const { port } = await peer();
    const it = agent(
      `${FAST}handlers: { plain: { port: ${port}, timeout: 300ms }, out: { type: file, path: DIR/out.json, format: json } }
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
});
