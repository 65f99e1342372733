/** Memory that the agent and a thread share: who is at work in it, also when it answers no more. */
const AT_WORK = 0;
const BEAT = 1;

export const marks = (memory = new SharedArrayBuffer(8)) => {
  const words = new Int32Array(memory);
  return {
    memory,
    /** The number of the plugin whose code runs; 0 where nobody can tell. */
    get atWork(): number {
      return Atomics.load(words, AT_WORK);
    },
    set atWork(number: number) {
      Atomics.store(words, AT_WORK, number);
    },
    /** The latest beat that the thread's event loop has come round to. */
    get beat(): number {
      return Atomics.load(words, BEAT);
    },
    set beat(number: number) {
      Atomics.store(words, BEAT, number);
    },
  };
};
export type Marks = ReturnType<typeof marks>;
