import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { MessagePort } from 'node:worker_threads';
import { compile, evaluate } from '../script/index.ts';
import type { AtWork } from './at-work.ts';
import { opened } from './doors.ts';
import type { Finding, Suspect } from './inspector.ts';
import { FINDINGS, type Judgement, plainMetric, type Question } from './protocol.ts';
import { described, type Plugin, pluginsIn } from './shape.ts';

/** Looks at one file after the other, as a process that does nothing else: a line of JSON for each. */
export function inspectFiles(): void {
  // What they print is nobody's answer.
  const quiet = (_: unknown, ...rest: unknown[]): boolean => {
    const done = rest.find((it) => typeof it === 'function') as (() => void) | undefined;
    if (done !== undefined) setImmediate(done);
    return true;
  };
  process.stdout.write = quiet;
  // What they leave behind is no matter of this process.
  process.on('unhandledRejection', () => {}).on('uncaughtException', () => {});
  const answer = (finding: Finding): void => whole(`${JSON.stringify(finding)}\n`);
  const lines = createInterface(process.stdin);
  lines.on('line', async (line) => {
    const { path, as } = JSON.parse(line) as Suspect;
    try {
      const script = compile(path);
      const plugins = pluginsIn(evaluate(script, await opened(script.doors)), as, path);
      const { texts, doors } = script;
      answer({ found: { texts: [...texts], doors, plugins: plugins.map(described) } });
    } catch (error) {
      answer({ error: error instanceof Error ? error.message : String(error) });
    }
  });
  lines.on('close', () => process.exit(0));
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

  async #plugin({ key, path, index, as, texts, doors }: Question): Promise<Plugin> {
    const known = this.#plugins.get(key);
    if (known !== undefined) return known;
    const all = pluginsIn(evaluate({ path, texts, doors }, await opened(doors)), as, path);
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
      return { newNamesPerMinute: it.newNamesPerMinute?.(data) };
    case 'parser':
      return { metrics: it.metrics(data).map(plainMetric), needles: it.needles?.(data) };
  }
}
