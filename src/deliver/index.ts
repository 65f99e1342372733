/** From named points to a peer: one bounded queue and one writer for each handler instance. */
export * from './contract.ts';
export * from './delivery.ts';
