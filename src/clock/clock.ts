/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch; steps when somebody sets the clock. */
  now(): number;
  /** Milliseconds from an arbitrary start; never steps, stands still while the machine is suspended. */
  monotonic(): number;
  /** Milliseconds from an arbitrary start; never steps, goes on while the machine is suspended. */
  boottime(): number;
  /** Calls back once, `ms` milliseconds from now on the monotonic clock. */
  after(ms: number, callback: () => void): Timer;
}
