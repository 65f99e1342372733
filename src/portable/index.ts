/** The core collectors on a system without /proc: the same metrics, through systeminformation. */
export { portable } from './portable.ts';
