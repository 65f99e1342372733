/** libvirt, asked by its own protocol: one poll for all guests, what is known of each, and what is observed of them. */
export { words } from './guests.ts';
export { Hypervisor, type HypervisorOptions } from './hypervisor.ts';
export { labelledBy } from './labelled.ts';
export { metrics } from './metrics.ts';
export { parseUri } from './uri.ts';
