import type { MessagePort } from 'node:worker_threads';
import { Foreseen } from '../plugin/index.ts';
import { compile, evaluate } from '../script/index.ts';
import type { AtWork } from './at-work.ts';
import { opened } from './doors.ts';
import {
  type Inspected,
  type Judgement,
  type Place,
  plainMetric,
  type Question,
} from './protocol.ts';
import { described, type Plugin, pluginsIn } from './shape.ts';

/** Looks at files, and at options for what is in them; a thread that does this runs nothing of them. */
export class Inspection {
  readonly #atWork: AtWork;
  readonly #plugins = new Map<string, readonly Plugin[]>();

  constructor(atWork: AtWork) {
    this.#atWork = atWork;
  }

  async inspect(path: string, as: Place['as']): Promise<Inspected> {
    const script = compile(path);
    const doors = await opened(script.doors);
    const plugins = this.#atWork.now(1, () => pluginsIn(evaluate(script, doors), as, path));
    const all = this.#atWork.now(1, () => plugins.map(described));
    this.#plugins.set(path, plugins);
    return { texts: script.texts, doors: script.doors, plugins: all };
  }

  /** Answers questions of a thread that waits until the bell rings. */
  listen(port: MessagePort, memory: SharedArrayBuffer): void {
    const bell = new Int32Array(memory);
    port.on('message', (question: Question) => {
      port.postMessage(this.#judge(question));
      Atomics.add(bell, 0, 1);
      Atomics.notify(bell, 0);
    });
  }

  #judge({ path, index, input }: Question): Judgement {
    try {
      const plugin = this.#plugins.get(path)?.[index];
      if (plugin === undefined) throw new Foreseen(`${path} was not loaded`);
      return this.#atWork.now(1, () => judged(plugin, input));
    } catch (error) {
      const message = `cannot be checked: ${error instanceof Error ? error.message : String(error)}`;
      return { issues: [{ code: 'custom', message, path: [] }] };
    }
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
