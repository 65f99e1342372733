import type { Io } from './io.ts';

/** Where an agent answers that was not told otherwise, the likeliest first. */
export function standardSockets(environment: Io['environment']): readonly string[] {
  const { RUNTIME_DIRECTORY: unit, XDG_RUNTIME_DIR: user } = environment;
  // systemd gives a unit's folders, divided by colons.
  const own = unit === undefined || unit === '' ? [] : [`${unit.split(':')[0]}/status.sock`];
  const session = user === undefined || user === '' ? [] : [`${user}/cullinan/status.sock`];
  const system = '/run/cullinan/status.sock';
  return process.getuid?.() === 0 ? [...own, system] : [...own, ...session, system];
}
