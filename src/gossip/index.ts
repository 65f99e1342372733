/** Ganglia's gossip: what one node knows of the whole cluster, heard on a channel, learned from peers, shown as XML. */
export { type Attendance, attend, type Sending, settled } from './attend.ts';
export { Cluster, type ClusterLimits } from './cluster.ts';
export { Gossip, type GossipOptions } from './gossip.ts';
export { type GossipSettings, gossip } from './options.ts';
