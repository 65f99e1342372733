import { codeOf, Foreseen } from '../plugin/index.ts';
import { EXIT, type Io, UsageError } from './io.ts';

/** Says why a command failed; its exit code. */
export function failed(error: unknown, io: Io): number {
  if (error instanceof UsageError) {
    io.err(`cullinan: ${error.message}\n`);
    return EXIT.usage;
  }
  // By its name: what it is a class of would be loaded by every command.
  if (error instanceof Error && error.name === 'ConfigError') {
    io.err(`${error.message}\n`);
    return EXIT.configuration;
  }
  io.err(`cullinan: ${isBug(error) ? error.stack : messageOf(error)}\n`);
  return EXIT.failure;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Only what nobody foresaw brings its stack. */
const isBug = (error: unknown): error is Error =>
  error instanceof Error && !(error instanceof Foreseen) && codeOf(error) === undefined;
