import { Worker } from 'node:worker_threads';

/** Seconds that one check may keep the process busy; some take a large log apart. */
const PATIENCE = 20;
const LONGEST = 200;

/** Runs in a thread of its own, because the other one may not come back. */
const CODE = `
const { workerData: { beat, text, patience } } = require('node:worker_threads');
let last = -1;
let since = Date.now();
setInterval(() => {
  const now = Atomics.load(beat, 0);
  if (now !== last) {
    last = now;
    since = Date.now();
  } else if (Date.now() - since > patience * 1000) {
    const name = Buffer.from(text.slice(0, Atomics.load(beat, 1))).toString();
    require('node:fs').writeSync(1, 'FAIL ' + name + '\\n     it did not come back within ' + patience + ' s: look for a loop without an end\\n');
    process.kill(process.pid, 'SIGKILL');
  }
}, 200);
`;

/** Ends the process where a check never comes back. @returns what is told which one it is. */
export function watchdog(): { at(check: string): void; end(): void } {
  const beat = new Int32Array(new SharedArrayBuffer(8));
  const text = new Uint8Array(new SharedArrayBuffer(LONGEST));
  const worker = new Worker(CODE, { eval: true, workerData: { beat, text, patience: PATIENCE } });
  worker.unref();
  const beats = setInterval(() => Atomics.add(beat, 0, 1), 100).unref();
  return {
    at(check) {
      const bytes = Buffer.from(check).subarray(0, LONGEST);
      text.set(bytes);
      Atomics.store(beat, 1, bytes.length);
      Atomics.add(beat, 0, 1);
    },
    end() {
      clearInterval(beats);
      void worker.terminate();
    },
  };
}
