import { encoded, indexOfByte, standsAt } from './bytes.ts';
import { isoTime, known } from './timestamps.ts';

/** What a container's runtime writes around each line: Docker's `json-file`, or Kubernetes' CRI. */
export type Wrapper = 'docker' | 'cri';

const LOG = encoded('{"log":"');
const STREAM = encoded('","stream":"std');
const [OUT, ERR] = [encoded('out","time":"'), encoded('err","time":"')] as [Uint8Array, Uint8Array];
const [STDOUT, STDERR] = [encoded('stdout '), encoded('stderr ')] as [Uint8Array, Uint8Array];

const QUOTE = 34;
const BACKSLASH = 92;
const BRACE = 123;
const SPACE = 32;
const COLON = 58;
const F = 70;
const P = 80;
const N = 110;

/**
 * Takes lines out of what the runtime of a container wrote around them. One object reads line after
 * line.
 *
 * @see https://docs.docker.com/engine/logging/drivers/json-file/
 * @see https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
export class ContainerLine {
  /** What the program wrote. They hold as long as the bytes that were read. */
  inner: Uint8Array = new Uint8Array();
  /** Whether the line ends here; otherwise it is one that the runtime has cut, and this a part of it. */
  whole = true;
  /** 0 for the standard output, 1 for the standard error: the parts of a line are of one of them. */
  stream: 0 | 1 = 0;
  /** When the runtime got it, in seconds since the Unix epoch. */
  time: number | undefined;

  /** @returns what the line is wrapped in; `undefined` if it is not, or in something else than is asked for. */
  read(bytes: Uint8Array, wrapper?: Wrapper): Wrapper | undefined {
    if (wrapper !== 'cri' && bytes[0] === BRACE) {
      return this.#plain(bytes) || this.#json(bytes, wrapper !== undefined) ? 'docker' : undefined;
    }
    return wrapper !== 'docker' && this.#cri(bytes) ? 'cri' : undefined;
  }

  /** `2026-11-21T08:38:12.123456789Z stdout F a line`; behind the F or P may stand `:more`. */
  #cri(bytes: Uint8Array): boolean {
    const stream = indexOfByte(bytes, SPACE, 0, Math.min(bytes.length, 40)) + 1;
    const isOut = standsAt(bytes, STDOUT, stream);
    if (!isOut && !standsAt(bytes, STDERR, stream)) return false;
    const tag = stream + STDOUT.length;
    const flag = bytes[tag];
    const next = bytes[tag + 1] ?? SPACE;
    if ((flag !== F && flag !== P) || (next !== SPACE && next !== COLON)) return false;
    const time = known(isoTime(bytes));
    if (time === undefined) return false;
    this.inner = bytes.subarray(indexOfByte(bytes, SPACE, tag) + 1);
    this.whole = flag === F;
    this.stream = isOut ? 0 : 1;
    this.time = time;
    return true;
  }

  /**
   * `{"log":"a line\n","stream":"stdout","time":"2026-11-21T08:38:12.123456789Z"}`, as Docker writes
   * it where nothing in the line needs a backslash: then its bytes are those of the program.
   */
  #plain(bytes: Uint8Array): boolean {
    if (!standsAt(bytes, LOG, 0)) return false;
    const from = LOG.length;
    let at = from;
    while (at < bytes.length && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at += 1;
    const end = at;
    const whole = bytes[at] === BACKSLASH && bytes[at + 1] === N;
    if (whole) at += 2;
    if (!standsAt(bytes, STREAM, at)) return false;
    at += STREAM.length;
    const isOut = standsAt(bytes, OUT, at);
    if (!isOut && !standsAt(bytes, ERR, at)) return false;
    this.inner = bytes.subarray(from, end);
    this.whole = whole;
    this.stream = isOut ? 0 : 1;
    this.time = known(isoTime(bytes, at + OUT.length));
    return true;
  }

  /** The same with anything in it, in any order. @param any or else only with `log` in front. */
  #json(bytes: Uint8Array, any: boolean): boolean {
    if (!any && !standsAt(bytes, LOG, 0)) return false;
    try {
      const record: unknown = JSON.parse(UTF8.decode(bytes));
      const { log, stream, time } = record as Readonly<Record<string, unknown>>;
      if (typeof log !== 'string') return false;
      this.whole = log.endsWith('\n');
      this.inner = encoded(this.whole ? log.slice(0, -1) : log);
      this.stream = stream === 'stderr' ? 1 : 0;
      this.time = typeof time === 'string' ? known(isoTime(encoded(time))) : undefined;
      return true;
    } catch {
      return false;
    }
  }
}
const UTF8 = new TextDecoder();
