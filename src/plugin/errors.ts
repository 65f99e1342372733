/** The source answered, but not in the shape the kernel (or the peer) documents. */
export class ParseError extends Error {
  override readonly name = 'ParseError';
}

/** The source does not exist on this host. Absent is not broken: counted, never logged as an error. */
export class NoData extends Error {
  override readonly name = 'NoData';
}

/** The source exists, and the agent's user may not read it. The message names the file. */
export class AccessDenied extends Error {
  override readonly name = 'AccessDenied';
}

/** The source did not answer before its deadline: a hung mount, a stuck device. */
export class Unresponsive extends Error {
  override readonly name = 'Unresponsive';
}

/** The peer will never take this batch, however often it is sent: it is dropped and counted. */
export class Unsendable extends Error {
  override readonly name = 'Unsendable';
}
