import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Collector, Observation, z } from 'cullinan/plugin';
import { describe, expect, test } from 'vitest';
import {
  type CollectorRun,
  collectorChecks,
  observationLine,
  observedText,
  recordingIn,
} from '../../src/conformance/index.ts';

export {
  type CollectorRun as Run,
  collecting,
  idleAgent,
  observationLine as line,
  reported as text,
} from '../../src/conformance/index.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** Every recorded host in test/fixtures. */
const recordings = (existsSync(FIXTURES) ? readdirSync(FIXTURES) : [])
  .sort()
  .flatMap((name) => recordingIn(`${FIXTURES}${name}`) ?? []);

/** Only declared metrics with exactly their labels, only finite numbers. */
export function expectSound(collector: Collector, { observations }: CollectorRun): void {
  const declared = new Set(Object.values(collector.metrics).map(({ name }) => name));
  for (const observation of observations) {
    const { metric, labels, value } = observation;
    // Asserted only when it fails: there are millions of these.
    const known = declared.has(metric.name);
    const labelled =
      Object.keys(labels).length === metric.labels.length &&
      metric.labels.every((label) => typeof labels[label] === 'string');
    if (!known || !labelled || !Number.isFinite(value)) {
      expect.fail(`${known ? 'not sound' : 'not declared'}: ${observationLine(observation)}`);
    }
  }
}

/** No series twice in one collection. */
export function expectDistinct({
  observations,
}: {
  readonly observations: readonly Observation[];
}): void {
  const series = new Set<string>();
  for (const { metric, labels, host } of observations) {
    const key = JSON.stringify([metric.name, host, ...metric.labels.map((label) => labels[label])]);
    expect(series.has(key), `observed twice in one collection: ${key}`).toBe(false);
    series.add(key);
  }
}

interface Variant {
  /** Options other than the defaults, and the word that tells their golden files apart. */
  readonly options?: unknown;
  readonly variant?: string;
}

/** The suite that every collector passes, over every recorded host: that of `cullinan test`. */
export function describeCollector<O extends z.ZodType>(
  collector: Collector<O>,
  { options = {}, variant }: Variant = {},
): void {
  const { name } = collector;
  for (const recording of recordings) {
    describe(`${name}${variant ? ` (${variant})` : ''} on ${recording.name}`, () => {
      test('observes exactly this', async () => {
        const golden = await observedText(collector, recording, options);
        const file = variant ? `${recording.name}.${variant}` : recording.name;
        await expect(golden).toMatchFileSnapshot(`../golden/collectors/${name}/${file}.txt`);
      });

      for (const check of collectorChecks(collector, recording, options)) {
        test(check.name, () => check.run());
      }
    });
  }

  test('there are recorded hosts to observe', () => expect(recordings).not.toEqual([]));
}
