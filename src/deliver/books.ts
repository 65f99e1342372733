import { DROP_REASONS, type DropReason, type HandlerStatus } from '../plugin/index.ts';

/** What has become of a handler's points: observed = delivered + queued + spooled + dropped. */
export class Books {
  observed = 0;
  delivered = 0;
  resent = 0;
  failures = 0;
  readonly #dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<
    DropReason,
    number
  >;

  /** Points dropped because the agent, or this handler, ended: the youngest there were. */
  get abandoned(): number {
    return this.#dropped.shutdown + this.#dropped.reload;
  }

  drop(reason: DropReason, points: number): void {
    this.#dropped[reason] += points;
  }

  /** @param now what the books themselves do not know. */
  status(
    now: Pick<HandlerStatus, 'name' | 'type' | 'queued' | 'spooled' | 'connected' | 'counts'>,
  ): HandlerStatus {
    const { observed, delivered, resent, failures } = this;
    return { ...now, observed, delivered, resent, failures, dropped: { ...this.#dropped } };
  }
}
