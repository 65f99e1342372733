import type { Delivery, DeliveryDeps, DeliveryOptions } from './contract.ts';
import { Writer } from './writer.ts';

/** Makes a handler instance's delivery. It connects when it is first flushed. */
export function createDelivery(options: DeliveryOptions, deps: DeliveryDeps): Delivery {
  return new Writer(options, deps);
}
