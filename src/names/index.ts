/** Names of an old output beside those that will be sent: which stay, which go, which come. */
export {
  type Change,
  type Comparison,
  createComparison,
  type NewName,
} from './compare.ts';
export { FORMATS, type FormatName, type Spelled, spelledIn } from './formats.ts';
export type { Group } from './groups.ts';
export { createHosts, withHost } from './hosts.ts';
export { HOST, isDevice, kindOf, labelled, untagged } from './name.ts';
export { openOutput } from './open.ts';
