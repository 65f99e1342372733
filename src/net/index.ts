/** Connections for plugins: over TCP, TLS, UDP, HTTP, AMQP and ZeroMQ; the first of several hosts that answers; pages and questions that are asked. */
export { type AmqpOptions, type AmqpPeer, openAmqp } from './amqp.ts';
export type { AmqpMessage } from './amqp-publisher.ts';
export { type Endpoint, endpoint, peerHosts, spoken } from './endpoint.ts';
export { type Exchange, type ExchangePeer, exchange } from './exchange.ts';
export { failover, failoverOptions } from './failover.ts';
export { gangliaRequests } from './ganglia-requests.ts';
export { type GroupOptions, joinGroup, type Membership } from './group.ts';
export { type HttpPeer, type HttpRequest, openHttp } from './http.ts';
export {
  checkHttp,
  type HttpAnswer,
  type HttpOptions,
  httpOptions,
  httpUrl,
} from './http-options.ts';
export { expectTaken } from './http-trouble.ts';
export { interfaceOf, isMulticast } from './interface.ts';
export { type KeystoneOptions, keystoneOptions, keystoneTokens } from './keystone.ts';
export { paced } from './paced.ts';
export {
  type Page,
  type PageOptions,
  pageOptions,
  readPage,
  Untrusted,
  visit,
} from './page.ts';
export { openQuestions, type Questions } from './question.ts';
export { type Certificate, type Reached, type ReachOptions, reach } from './reach.ts';
export { reachUnix } from './reach-unix.ts';
export { lookup } from './resolve.ts';
export { askStomp, type StompOptions } from './stomp.ts';
export type { Stream } from './stream.ts';
export { dial, openTcp, type TcpOptions } from './tcp.ts';
export { type TlsOptions, tls } from './tls-options.ts';
export { openUdp, type UdpOptions } from './udp.ts';
export { openUnix, type UnixOptions } from './unix.ts';
export {
  bindZeroMq,
  connectZeroMq,
  type ZeroMqMessage,
  type ZeroMqOptions,
} from './zeromq.ts';
