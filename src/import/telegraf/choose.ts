import type { Draft } from '../draft.ts';
import { fits } from '../expand.ts';
import { counterpartOf } from './observing.ts';
import type { Plugin } from './plugin.ts';

/** Measurements as the collectors that observe them. */
export function choose(
  draft: Draft,
  it: Plugin,
  at: readonly string[],
  key: 'namepass' | 'namedrop',
  option: 'only' | 'except',
  sources: readonly Plugin[],
): void {
  const globs = it.list(key);
  if (it.given(key) === undefined) return;
  const why = `only and except choose by cullinan’s names, or by collector: ${option}: ["collector:disk"]`;
  // Alternatives and classes are written otherwise there.
  const plain = globs?.every((glob) => !/[[{!\\]/.test(glob)) === true;
  if (globs === undefined || !plain || it.given(`${key}_separator`) !== undefined) {
    it.leave(why, key);
    return;
  }
  const chosen = new Set<string>();
  const others = new Set<string>();
  const used = new Set<number>();
  /** Collectors of which there may be a second one, called by a number behind. */
  const several = new Set<string>();
  let doubtful = false;
  for (const source of sources) {
    const counterpart = counterpartOf(source);
    if (counterpart === undefined) continue;
    // What programs say may be called anything.
    if (counterpart.foreign === true) {
      doubtful ||= globs.some((glob) => /^[*?]+$/.test(glob));
      continue;
    }
    if (counterpart.make !== undefined && source.name !== 'procstat')
      for (const collector of counterpart.collectors) several.add(collector);
    for (const measurement of counterpart.measurements ?? [source.name]) {
      const fitting = globs.flatMap((glob, i) => (fits(measurement, glob) ? [i] : []));
      for (const i of fitting) used.add(i);
      for (const collector of counterpart.collectors)
        (fitting.length > 0 ? chosen : others).add(collector);
    }
  }
  const mixed = [...chosen].some((collector) => others.has(collector));
  if (chosen.size === 0 || mixed || doubtful || used.size < globs.length) {
    it.leave(why, key);
    return;
  }
  draft.set(
    [...at, option],
    [...chosen].flatMap((collector) => [
      `collector:${collector}`,
      ...(several.has(collector) ? [`collector:${collector}-*`] : []),
    ]),
    it.lines(key),
  );
}
