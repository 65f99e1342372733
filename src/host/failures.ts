import { AccessDenied, codeOf as callCode, NoData, nameOf } from '../plugin/index.ts';

/**
 * What the kernel says of a thing that is not there: no such file; its device, process or namespace
 * has gone; (EINVAL) an attribute that does not apply, such as the speed of a link that is down; or
 * (ENOTSUP) what the kernel was started without, such as /proc/pressure with psi=0.
 */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO', 'ESRCH', 'EINVAL', 'ENOTSUP']);
const DENIED = new Set(['EACCES', 'EPERM']);

/** The code of a failed system call, such as `ENOENT`; '' of any other error. */
export const codeOf = (error: unknown): string => callCode(error) ?? '';

/** A failed system call in the words of a Tree. */
export function failure(error: unknown, path: string): Error {
  const code = codeOf(error);
  return failureOf(code, path, error) ?? (error instanceof Error ? error : new Error(`${error}`));
}

/**
 * @param code such as `ENOENT`.
 * @param path one character per byte.
 */
export function failureOf(code: string, path: string, cause?: unknown): Error | undefined {
  if (code === '') return undefined;
  const name = nameOf(path);
  if (ABSENT.has(code)) return new NoData(`${name} does not exist here (${code})`, { cause });
  if (DENIED.has(code)) {
    return new AccessDenied(`${name}: the agent's user may not read it (${code})`, { cause });
  }
  return Object.assign(new Error(`${name} cannot be read: ${code}`, { cause }), { code });
}
