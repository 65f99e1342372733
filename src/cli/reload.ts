import { Foreseen } from '../plugin/index.ts';
import { Refused, request } from '../status/index.ts';
import { type Asking, askFirst, socketsOf } from './asking.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { standardSockets } from './sockets.ts';

interface Options extends Asking {
  readonly pid?: string;
}

/**
 * `cullinan reload`: has a running agent load its configuration anew. Exit code 78 if it cannot be
 * loaded, with what is wrong; the agent then goes on with the one it has. Plugins that are left out are
 * warned of. The agent itself looks, because
 * nobody else may read what systemd gives it to read.
 */
export async function reload(io: Io, options: Options): Promise<number> {
  const { pid } = options;
  if (pid !== undefined && !/^[1-9]\d{0,9}$/.test(pid)) {
    throw new UsageError(`--pid must be the number of a process, not "${pid}"`);
  }
  try {
    const asked = await askFirst(sockets(io, options), (socket) =>
      request(socket, { ask: 'reload' }),
    );
    // Plugins that are left out; an agent of an older version does not say them.
    const { warnings = [] } = asked as { readonly warnings?: readonly string[] };
    for (const line of warnings) io.err(`Warning: ${line}\n`);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof Refused) {
      io.err(error.message);
      return EXIT.configuration;
    }
    if (pid === undefined || !(error instanceof Foreseen)) throw error;
    process.kill(Number(pid), 'SIGHUP');
    return EXIT.ok;
  }
}

/** A configuration that is wrong does not say where the agent listens that is to tell what is wrong. */
function sockets(io: Io, options: Options): readonly string[] {
  try {
    return socketsOf(io, options);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return standardSockets(io.environment);
  }
}
