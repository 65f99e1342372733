/** Connections for handlers: TCP, TLS, UDP, HTTP and AMQP to a name or an address, and one of several that answers. */
export { type AmqpOptions, type AmqpPeer, openAmqp } from './amqp.ts';
export type { AmqpMessage } from './amqp-publisher.ts';
export { type Endpoint, endpoint, peerHosts, spoken } from './endpoint.ts';
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
export { lookup } from './resolve.ts';
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
