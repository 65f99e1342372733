import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { createAgent, registry } from '../../src/agent/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { recordedHost } from '../../src/host/index.ts';
import { createLog } from '../../src/log/index.ts';
import { SimulatedClock } from './clock.ts';
import { RememberingReport } from './runner.ts';

/** One moment of the recorded Debian 12. */
const debian12 = () =>
  recordedHost(fileURLToPath(new URL('../fixtures/debian-12/1795221120', import.meta.url)));

/** A directory that is gone when the test is over. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cullinan-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A real agent over a recorded host, on a simulated clock, configured with YAML. */
export function agentWith(yaml: string) {
  const directory = scratch();
  const file = (name: string): string => join(directory, name);
  const configured = (text: string) => {
    writeFileSync(file('cullinan.yaml'), text.replaceAll('DIR', directory));
    return loadConfig({
      path: file('cullinan.yaml'),
      registry,
      environment: {},
      defaultHandlers: {},
    });
  };
  let said = '';
  const log = createLog({
    level: 'debug',
    format: 'text',
    write: (line) => {
      said += line;
    },
  });
  const clock = new SimulatedClock(Date.UTC(2026, 0, 1, 12, 0, 3));
  const report = new RememberingReport();
  const agent = createAgent({
    config: configured(yaml),
    host: debian12(),
    identity: { path: 'web01', label: 'web01' },
    clock,
    log,
    report,
    random: () => 0.5,
  });
  onTestFinished(async () => void (await agent.stop(0)));
  return {
    agent,
    clock,
    report,
    configured,
    said: () => said,
    /** The lines that a file handler has written. */
    lines: (name: string): string[] => readFileSync(file(name), 'utf8').trimEnd().split('\n'),
  };
}
