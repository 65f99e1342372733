import { readFileSync, writeSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import type { Handler } from '../plugin/index.ts';
import { compile, evaluate } from '../script/index.ts';
import type { AtWork } from './at-work.ts';
import { opened } from './doors.ts';
import type { Finding, Inspection, Suspect } from './inspector.ts';
import { FINDINGS, type Judgement, plainMetric, type Question } from './protocol.ts';
import { described, type Plugin, pluginsIn } from './shape.ts';

/** Characters, and milliseconds, after which what was found is told: each time costs the agent some code. */
const MUCH = 32_768;
const LONG = 200;

/** What changes a whole process, and is refused by Node in its threads. */
const NOT_IN_THREADS = [
  'abort',
  'chdir',
  'initgroups',
  'setegid',
  'seteuid',
  'setgid',
  'setgroups',
  'setuid',
  'umask',
];

/** Looks at one file after the other, as a process that does nothing else: a line of JSON for each. */
export function inspectFiles(): void {
  // What they print is nobody's answer.
  const quiet = (_: unknown, ...rest: unknown[]): boolean => {
    const done = rest.find((it) => typeof it === 'function') as (() => void) | undefined;
    if (done !== undefined) setImmediate(done);
    return true;
  };
  process.stdout.write = quiet;
  // What a thread must not do, where it would run, is not done here either: it shows now, and costs its plugin alone.
  const umask = process.umask.bind(process);
  for (const name of NOT_IN_THREADS) {
    const value = (...given: readonly unknown[]): number => {
      // It may be asked for, and not be set.
      if (name === 'umask' && given.length === 0) return umask();
      throw new Error(`process.${name}() does not work where plugins run`);
    };
    Object.defineProperty(process, name, { value, writable: true, configurable: true });
  }
  // What they leave behind is no matter of this process.
  process.on('unhandledRejection', () => {}).on('uncaughtException', () => {});
  void inspectAll(JSON.parse(readFileSync(0, 'utf8')) as Inspection);
}

async function inspectAll({ suspects, oneByOne }: Inspection): Promise<void> {
  let told = performance.now();
  let text = '';
  const tell = (): void => {
    whole(text);
    text = '';
    told = performance.now();
  };
  for (const suspect of suspects) {
    text += `${JSON.stringify(await finding(suspect))}\n`;
    if (oneByOne || text.length > MUCH || performance.now() - told > LONG) tell();
  }
  tell();
  process.exit(0);
}

async function finding(suspect: Suspect): Promise<Finding> {
  const what = await looked(suspect);
  const [added] = inherited();
  if (added === undefined) return what;
  return {
    error: `it adds "${added}" to what every object or list inherits, and with it to all other plugins. Make it a function of its own`,
  };
}

async function looked({ path, as }: Suspect): Promise<Finding> {
  try {
    const script = compile(path);
    const plugins = pluginsIn(evaluate(script, await opened(script.doors)), as, path);
    const { texts, doors, maps } = script;
    const all = { texts: [...texts], doors, maps: [...maps] };
    return { found: { ...all, plugins: plugins.map(described) } };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** What was added to what everything inherits, and shows wherever names are listed; it is taken away. */
function inherited(): readonly string[] {
  return [Object.prototype, Array.prototype].flatMap((all) =>
    Object.keys(all).filter((name) => Reflect.deleteProperty(all, name)),
  );
}

/** Writes all of a text to whoever asked, through a pipe that may be full for the moment. */
function whole(text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(FINDINGS, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Says what plugins make of options, in a thread that does nothing else. */
export class Judge {
  readonly #atWork: AtWork;
  readonly #plugins = new Map<string, Plugin>();

  constructor(atWork: AtWork) {
    this.#atWork = atWork;
  }

  /** Answers questions of a thread that waits until the bell rings. */
  listen(port: MessagePort, memory: SharedArrayBuffer): void {
    const bell = new Int32Array(memory);
    port.on('message', async (question: Question) => {
      port.postMessage(await this.#judge(question));
      Atomics.add(bell, 0, 1);
      Atomics.notify(bell, 0);
    });
  }

  async #judge(question: Question): Promise<Judgement> {
    try {
      const plugin = await this.#plugin(question);
      return this.#atWork.now(1, () => judged(plugin, question.input));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { issues: [{ code: 'custom', message: `cannot be checked: ${why}`, path: [] }] };
    }
  }

  async #plugin({ key, path, index, as, texts, doors, maps }: Question): Promise<Plugin> {
    const known = this.#plugins.get(key);
    if (known !== undefined) return known;
    const all = pluginsIn(evaluate({ path, texts, doors, maps }, await opened(doors)), as, path);
    const plugin = all[index];
    if (plugin === undefined)
      throw new Error(`${path} exports another number of plugins than before`);
    this.#plugins.set(key, plugin);
    return plugin;
  }
}

function judged({ kind, it }: Plugin, input: unknown): Judgement {
  const result = it.options.safeParse(input, { jitless: true });
  if (!result.success) {
    return { issues: JSON.parse(JSON.stringify(result.error.issues)) };
  }
  const { data } = result;
  switch (kind) {
    case 'collector':
      return { metrics: (it.moreMetrics?.(data) ?? []).map(plainMetric) };
    case 'handler':
      return judgedHandler(it, data);
    case 'parser':
      return { metrics: it.metrics(data).map(plainMetric), needles: it.needles?.(data) };
  }
}

function judgedHandler(it: Handler, data: unknown): Judgement {
  const peers = it.peers?.(data) ?? [];
  if (peers.some(({ accepts }) => accepts !== undefined)) {
    const message = `divides its points among its peers by their paths, which is asked in the agent's own thread alone: plugins: { inProcess: [${it.name}] }`;
    return { issues: [{ code: 'custom', message, path: [] }] };
  }
  const names = peers.map(({ name }) => name);
  return { newNamesPerMinute: it.newNamesPerMinute?.(data), peers: names };
}
