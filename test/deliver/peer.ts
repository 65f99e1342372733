import {
  type Batch,
  defineHandler,
  type Handler,
  Unsendable,
  Unsettled,
  z,
} from '../../src/plugin/index.ts';

/** `late` does what `hang` does, and takes the batch after the write was given up; `odd` takes odd numbers only, `none` nothing. */
export type Manner = 'take' | 'fail' | 'throw' | 'hang' | 'late' | 'unsendable' | 'odd' | 'none';
export type Welcome = 'accept' | 'refuse' | 'throw' | 'hang' | 'late';

/** A peer that behaves as it is told, seen through the plugin contract, and remembers what it took. */
export class Peer {
  welcome: Welcome = 'accept';
  manner: Manner = 'take';
  /** Ends each connection as soon as it has taken a batch. */
  closes = false;
  /** Why its writes hang. */
  stalled: string | undefined;
  opened = 0;
  open = 0;
  closed = 0;
  readonly writes: number[][] = [];
  #end: ((reason?: unknown) => void) | undefined;

  readonly #idempotent: boolean;

  constructor(idempotent = true) {
    this.#idempotent = idempotent;
  }

  /** Ends the connection between two writes. */
  end(reason?: unknown): void {
    this.#end?.(reason);
  }

  get handler(): Handler {
    const aborted = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return defineHandler({
      name: 'scripted',
      summary: 'A peer that behaves as it is told.',
      options: z.strictObject({}),
      dialect: 'otel',
      counters: 'raw',
      idempotent: this.#idempotent,
      acknowledged: false,
      open: ({ signal }) => {
        this.opened += 1;
        if (this.welcome === 'throw') throw new Error('thrown while opening');
        const connection = () => {
          let gone = false;
          this.open += 1;
          const leave = () => {
            if (!gone) this.open -= 1;
            gone = true;
          };
          signal.addEventListener('abort', leave);
          const ended = new Promise<unknown>((resolve) => {
            this.#end = resolve;
          });
          return {
            ended,
            stalled: this.stalled,
            write: (batch: Batch, signal: AbortSignal) => this.#write(batch, signal),
            close: () => {
              this.closed += 1;
              leave();
            },
          };
        };
        if (this.welcome === 'refuse') return Promise.reject(new Error('refused'));
        if (this.welcome === 'hang') return new Promise<never>(() => {});
        if (this.welcome === 'late') return aborted(signal).then(connection);
        return Promise.resolve(connection());
      },
    });
  }

  #write(batch: Batch, signal: AbortSignal): Promise<void> {
    const take = (batch: Batch) => {
      this.writes.push(batch.map(({ value }) => value));
      if (this.closes) this.end();
    };
    switch (this.manner) {
      case 'take':
        take(batch);
        return Promise.resolve();
      case 'fail':
        return Promise.reject(new Error('reset'));
      case 'throw':
        throw new Error('thrown while writing');
      case 'hang':
        return new Promise(() => {});
      case 'late':
        return new Promise((resolve) =>
          signal.addEventListener('abort', () =>
            setImmediate(() => {
              take(batch);
              resolve();
            }),
          ),
        );
      case 'odd':
      case 'none': {
        const points = batch.filter(({ value }) => this.manner === 'none' || value % 2 === 0);
        if (points.length < batch.length) take(batch.filter((point) => !points.includes(point)));
        return Promise.reject(new Unsettled('full', { points }));
      }
      case 'unsendable':
        return Promise.reject(new Unsendable('no'));
    }
  }
}
