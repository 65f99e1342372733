import { describe, expect, test } from 'vitest';
import { createLog, createReport } from '../../src/log/index.ts';
import { Foreseen, ParseError } from '../../src/plugin/index.ts';
import { SimulatedClock } from '../support/clock.ts';

function reporting(format: 'text' | 'json' = 'text', secrets = new Set<string>()) {
  const clock = new SimulatedClock();
  let text = '';
  const log = createLog({
    level: 'info',
    format,
    secrets,
    write: (line) => {
      text += line;
    },
  });
  return { clock, report: createReport(log, clock), log, text: () => text };
}

const trouble = {
  where: 'collector network',
  error: new ParseError(
    '/proc/net/dev line 4: column 9 of 16 (txBytes) is "12x4", not a whole number',
  ),
  effect: 'This tick has no network samples; repeats are muted for 10 min.',
};

describe('a report', () => {
  test('says where, what and why it matters', () => {
    const { report, text } = reporting();
    report.problem('network', { ...trouble, remedy: 'Look at the driver.' });
    expect(text()).toBe(
      [
        'WARN collector network: /proc/net/dev line 4: column 9 of 16 (txBytes) is "12x4", not a whole number',
        '     This tick has no network samples; repeats are muted for 10 min.',
        '     Look at the driver.',
        '',
      ].join('\n'),
    );
  });

  test('says a repeat again only after ten minutes, with how often it happened', () => {
    const { report, clock, text } = reporting();
    for (let i = 0; i < 120; i += 1) {
      report.problem('network', trouble);
      clock.advance(10_000);
    }
    const warnings = text()
      .split('\n')
      .filter((line) => line.startsWith('WARN'));
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toContain('(and 59 times more)');
  });

  test('says the cause that a problem turns into, once, if it was foreseen', () => {
    const { report, clock, text } = reporting();
    const causes = [
      new Error('Carbon closed the connection'),
      new Error('connect ECONNREFUSED'),
      new Foreseen('its certificate has expired'),
      new Foreseen('writing 400 points took longer than 5 s'),
      new Foreseen('writing 401 points took longer than 5 s'),
      new Foreseen('one cause too many'),
    ];
    for (let i = 0; i < 60; i += 1) {
      for (const error of causes) {
        report.problem('handler', { where: 'handler graphite', error, effect: 'Points wait.' });
      }
      expect(report.standing).toBe('handler graphite: one cause too many');
      clock.advance(1000);
    }
    const warnings = text().match(/(?<=^WARN handler graphite: ).*/gm);
    expect(warnings).toEqual([
      'Carbon closed the connection',
      'its certificate has expired',
      'writing 400 points took longer than 5 s',
    ]);
  });

  test('says when it is over, how long it lasted and how often it failed', () => {
    const { report, clock, text } = reporting();
    for (let i = 0; i < 3; i += 1) {
      report.problem('network', trouble);
      clock.advance(10_000);
    }
    expect(report.standing).toContain('collector network');
    report.recovered('network');
    report.recovered('network');
    expect(report.standing).toBeUndefined();
    expect(text().trimEnd().split('\n').at(-1)).toBe(
      'INFO collector network recovered after failing 3 times in 30 s',
    );
  });

  test('says again what lasts after its end was said, but not what only flickers', () => {
    const { report, clock, text } = reporting();
    const failing = (seconds: number) => {
      for (let i = 0; i < seconds; i += 5) {
        report.problem('network', trouble);
        clock.advance(5000);
      }
    };
    const lines = () => text().match(/^(WARN|INFO)/gm);
    failing(5);
    report.recovered('network');
    for (let i = 0; i < 5; i += 1) {
      failing(10);
      report.recovered('network');
    }
    expect(lines()).toEqual(['WARN', 'INFO']);
    failing(60);
    expect(lines()).toEqual(['WARN', 'INFO', 'WARN']);
    report.recovered('network');
    expect(lines()).toEqual(['WARN', 'INFO', 'WARN', 'INFO']);
  });

  test('brings the stack of a bug, and only of a bug', () => {
    const { report, text } = reporting();
    report.problem('a', trouble);
    expect(text()).not.toContain(' at ');
    report.problem('b', { ...trouble, error: new TypeError('x is undefined') });
    expect(text()).toContain(' at ');
  });

  test('cuts off a message that somebody else wrote at length', () => {
    const { report, text } = reporting();
    report.problem('network', { ...trouble, error: new Foreseen('x'.repeat(501)) });
    expect(text()).toContain(`${'x'.repeat(500)}… (501 characters)\n`);
  });

  test('stays bounded with ever new problems: the oldest is forgotten, and said again', () => {
    const { report, text } = reporting();
    const said = () => text().split('WARN').length - 1;
    for (let i = 0; i <= 1000; i += 1) report.problem(`problem ${i}`, trouble);
    expect(said()).toBe(1001);
    report.problem('problem 1', trouble);
    expect(said()).toBe(1001);
    report.problem('problem 0', trouble);
    expect(said()).toBe(1002);
  });
});

describe('a log', () => {
  test('is one JSON object a line for machines', () => {
    const { log, text } = reporting('json');
    log.info({ seconds: 3 }, 'hello\nworld');
    const entry = JSON.parse(text()) as Record<string, unknown>;
    expect(entry).toMatchObject({ level: 30, seconds: 3, msg: 'hello\nworld' });
    expect(text().split('\n')).toHaveLength(2);
  });

  test('never shows a secret', () => {
    const { log, report, text } = reporting('text', new Set(['hunter2', '']));
    log.info({}, 'connecting with hunter2');
    report.problem('x', { ...trouble, error: new Error('refused: hunter2') });
    expect(text()).not.toContain('hunter2');
    expect(text()).toContain('***');
  });
});
