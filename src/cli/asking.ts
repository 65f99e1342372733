import { readSocket } from '../config/index.ts';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { Refused } from '../status/index.ts';
import { type Io, UsageError } from './io.ts';
import { standardSockets } from './sockets.ts';

/** Where to ask. */
export interface Asking {
  readonly config?: string;
  readonly socket?: string;
}

/** The sockets where an agent may answer: the one that was named, or the configured one, or the usual ones. */
export function socketsOf(io: Io, { config, socket }: Asking): readonly string[] {
  if (socket === '') throw new UsageError('--socket needs the path of a socket');
  const said = socket ?? readSocket({ path: config, environment: io.environment });
  return said === undefined ? standardSockets(io.environment) : [said];
}

/** What is answered at the first of several sockets where somebody does; what is refused is said. */
export async function askFirst<T>(
  sockets: readonly string[],
  ask: (socket: string) => Promise<T>,
): Promise<T> {
  const troubles: string[] = [];
  for (const socket of sockets) {
    try {
      return await ask(socket);
    } catch (error) {
      // Somebody is there, and has said why not.
      if (error instanceof Refused) throw error;
      troubles.push(trouble(socket, error));
    }
  }
  throw new Foreseen(
    `no agent answers.\n${troubles.map((line) => `  ${line}\n`).join('')}` +
      'Start one with "cullinan run", or say where it listens: --socket <path>',
  );
}

function trouble(socket: string, error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return `${socket}: there is no such socket`;
    case 'ECONNREFUSED':
      return `${socket}: the agent that made it has ended`;
    case 'EACCES':
      return `${socket}: you may not ask; become a member of the socket's group, or root`;
    default:
      return error instanceof Foreseen ? error.message : `${socket}: ${String(error)}`;
  }
}
