/** Ganglia's gossip: what one node knows of the whole cluster, heard on a channel, learned from peers, shown as XML. */
export { access } from './access.ts';
export { isMulticast } from './channel.ts';
export { Cluster, type ClusterCounts, type ClusterLimits } from './cluster.ts';
export { Gossip, type GossipCounts, type GossipOptions, type Listening } from './gossip.ts';
