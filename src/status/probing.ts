import type { Condition } from './condition.ts';
import type { Probing } from './health.ts';

/** Answers probes over HTTP at an address; see `probe` in health.ts. HTTP is loaded by those who are probed. */
export async function listenForProbes(
  listen: { readonly host: string; readonly port: number },
  condition: () => Condition,
): Promise<Probing> {
  const { probe } = await import('./health.ts');
  return probe(listen, condition);
}
