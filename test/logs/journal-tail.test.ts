import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/clock/index.ts';
import type { JournalForm } from '../../src/logs/journal-lines.ts';
import { JournalTail } from '../../src/logs/journal-tail.ts';
import { LineFinder } from '../../src/logs/lines.ts';
import type { Loss } from '../../src/logs/loss.ts';
import type { Cursor } from '../../src/logs/reader.ts';
import { SimulatedClock } from '../support/clock.ts';
import { Journal } from '../support/journal.ts';
import { describeWithPeer } from '../support/peers.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'cullinan-journal-'));

/** Reads a journal with one tail after another, as runs of a program do. */
class Reading {
  readonly path: string;
  readonly form: JournalForm | undefined;
  cursor: Cursor | undefined;
  readonly losses: Loss[] = [];
  clock: Clock = systemClock;
  tooLong = 0;

  constructor(path: string, form?: JournalForm) {
    this.path = path;
    this.form = form;
  }

  /** Whether to stop for now. */
  paused = () => false;

  async #with(use: (tail: JournalTail) => Promise<void>): Promise<string[]> {
    const lines: string[] = [];
    const finder = new LineFinder((line) => void lines.push(line.text));
    const { path, form, clock, losses, paused } = this;
    const lost = (loss: Loss) => void losses.push(loss);
    const tail = new JournalTail({ path, form, clock, finder, lost, paused }, this.cursor);
    try {
      await use(tail);
    } finally {
      this.cursor = tail.cursor;
      this.tooLong += finder.tooLong;
    }
    return lines;
  }

  startAtEnd = () => this.#with((tail) => tail.startAtEnd());
  since = (time: number) =>
    this.#with(async (tail) => {
      await tail.startSince(time);
      await tail.catchUp();
    });
  lines = () => this.#with((tail) => tail.catchUp());
}

const message = (text: string, more: object = {}) => ({ MESSAGE: text, PRIORITY: 6, ...more });

describeWithPeer('journal', 'the journal, through journalctl', () => {
  test('is read from the start, and then what is new', async () => {
    const journal = new Journal(folder());
    await journal.write(message('one'), message('two'));
    const reading = new Reading(`journal:directory=${journal.folder}`);
    expect(await reading.lines()).toEqual(['one', 'two']);
    expect(await reading.lines()).toEqual([]);
    await journal.write(message('three'));
    expect(await reading.lines()).toEqual(['three']);
    expect(await reading.lines()).toEqual([]);
    expect(reading.losses).toEqual([]);
  });

  test('is begun at its end', async () => {
    const journal = new Journal(folder());
    await journal.write(message('old'));
    const reading = new Reading(`journal:directory=${journal.folder}`);
    await reading.startAtEnd();
    expect(await reading.lines()).toEqual([]);
    await journal.write(message('new'));
    expect(await reading.lines()).toEqual(['new']);
  });

  test('is begun at its end while it is empty', async () => {
    const journal = new Journal(folder(), Date.now() / 1000 + 60);
    const reading = new Reading(`journal:directory=${journal.folder}`);
    await reading.startAtEnd();
    expect(await reading.lines()).toEqual([]);
    await journal.write(message('first'), message('second'));
    expect(await reading.lines()).toEqual(['first', 'second']);
  });

  test('is begun at a time', async () => {
    const journal = new Journal(folder(), 1_790_000_000);
    await journal.write(message('0'), message('1'), message('2'));
    const reading = new Reading(`journal:directory=${journal.folder}`);
    expect(await reading.since(1_790_000_001_000)).toEqual(['1', '2']);
    expect(await reading.lines()).toEqual([]);
  });

  test('gives the entries of a unit, of a program, of a field', async () => {
    const journal = new Journal(folder());
    const unit = (name: string) => ({ _SYSTEMD_UNIT: name });
    await journal.write(
      message('a', unit('ssh.service')),
      message('b', { ...unit('postfix@-.service'), SYSLOG_IDENTIFIER: 'postfix/smtpd' }),
      message('c', { _TRANSPORT: 'kernel' }),
      message('d', { ...unit('ssh.service'), SYSLOG_IDENTIFIER: 'sshd' }),
    );
    const asked = (query: string) =>
      new Reading(`journal:directory=${journal.folder},${query}`).lines();
    expect(await asked('unit=ssh.service')).toEqual(['a', 'd']);
    expect(await asked('unit=ssh.service,unit=postfix@-.service')).toEqual(['a', 'b', 'd']);
    expect(await asked('unit=postfix@*')).toEqual(['b']);
    expect(await asked('unit=ssh.service,identifier=sshd')).toEqual(['d']);
    expect(await asked('_TRANSPORT=kernel')).toEqual(['c']);
  });

  test('a glob of units may find its first one later', async () => {
    const journal = new Journal(folder());
    await journal.write(message('x', { _SYSTEMD_UNIT: 'ssh.service' }));
    const reading = new Reading(`journal:directory=${journal.folder},unit=job@*`);
    await reading.startAtEnd();
    expect(await reading.lines()).toEqual([]);
    await journal.write(message('y', { _SYSTEMD_UNIT: 'job@1.service' }));
    expect(await reading.lines()).toEqual(['y']);
    expect(reading.losses).toEqual([]);
  });

  test('goes on where nothing that is asked for was written for long', async () => {
    const journal = new Journal(folder());
    const reading = new Reading(`journal:directory=${journal.folder},unit=rare.service`);
    const clock = new SimulatedClock();
    reading.clock = clock;
    const rare = { _SYSTEMD_UNIT: 'rare.service' };
    await journal.write(message('rare', rare), message('busy'));
    expect(await reading.lines()).toEqual(['rare']);
    const left = reading.cursor?.entry;
    expect(await reading.lines()).toEqual([]);
    expect(reading.cursor?.entry).toBe(left);
    clock.step(2 * 3_600_000);
    await journal.write(message('busy'));
    expect(await reading.lines()).toEqual([]);
    expect(reading.cursor?.entry).not.toBe(left);
    expect(reading.cursor?.ours).toBe(false);
    await journal.write(message('rare again', rare));
    expect(await reading.lines()).toEqual(['rare again']);
    expect(reading.losses).toEqual([]);
  });

  test('is read on over rotations and boots', async () => {
    const journal = new Journal(folder());
    const reading = new Reading(`journal:directory=${journal.folder}`);
    await journal.write(message('1'));
    expect(await reading.lines()).toEqual(['1']);
    journal.file = 'system@2';
    await journal.write(message('2'));
    journal.boot = 'b'.repeat(32);
    await journal.write(message('3'));
    expect(await reading.lines()).toEqual(['2', '3']);
    journal.file = 'system@3';
    journal.boot = 'c'.repeat(32);
    await journal.write(message('4'));
    expect(await reading.lines()).toEqual(['4']);
    expect(await reading.lines()).toEqual([]);
    expect(reading.losses).toEqual([]);
  });

  test('says that it was vacuumed, and reads all that is left', async () => {
    const journal = new Journal(folder());
    const reading = new Reading(`journal:directory=${journal.folder}`);
    await journal.write(message('1'));
    await reading.lines();
    journal.file = 'later';
    await journal.write(message('2'), message('3'));
    rmSync(join(journal.folder, 'system.journal'));
    expect(await reading.lines()).toEqual(['2', '3']);
    expect(reading.losses.map(({ why }) => why)).toEqual(['vacuumed']);
    expect(await reading.lines()).toEqual([]);
    expect(reading.losses).toHaveLength(1);
  });

  test('says so, too, where it was left at an entry that is not asked for', async () => {
    const journal = new Journal(folder());
    const reading = new Reading(`journal:directory=${journal.folder},unit=a.service`);
    await journal.write(message('busy'));
    await reading.startAtEnd();
    journal.file = 'later';
    await journal.write(message('2'), message('3', { _SYSTEMD_UNIT: 'a.service' }));
    rmSync(join(journal.folder, 'system.journal'));
    expect(await reading.lines()).toEqual(['3']);
    expect(reading.losses.map(({ why }) => why)).toEqual(['vacuumed']);
    expect(await reading.lines()).toEqual([]);
    expect(reading.losses).toHaveLength(1);
  });

  test('gives messages line by line, whatever bytes they are', async () => {
    const journal = new Journal(folder());
    await journal.write(
      message('a\nb\n\tat c'),
      { MESSAGE: Buffer.from([0xff, 0x20, 0x1b, 0x5b]) },
      { PRIORITY: 3, COREDUMP: Buffer.from([0, 1, 10, 2]) },
      { MESSAGE: ['first', 'second'] },
      message('ü'.repeat(100_000)),
    );
    const lines = await new Reading(`journal:directory=${journal.folder}`).lines();
    expect(lines.slice(0, -1)).toEqual(['a', 'b', '\tat c', '\ufffd \x1b[', 'first']);
    expect(lines.at(-1)).toBe('ü'.repeat(100_000));
  });

  test('gives lines of syslog', async () => {
    const journal = new Journal(folder());
    await journal.write(
      {
        ...{ MESSAGE: 'Failed\npassword', PRIORITY: 3, SYSLOG_FACILITY: 10 },
        ...{ SYSLOG_IDENTIFIER: 'sshd', _PID: 77 },
      },
      { MESSAGE: 'bare', _COMM: 'cat' },
    );
    expect(await new Reading(`journal:directory=${journal.folder}`, 'syslog').lines()).toEqual([
      '<83>2026-09-21T14:13:20.000Z web01 sshd[77]: Failed#012password',
      '<13>2026-09-21T14:13:21.000Z web01 cat: bare',
    ]);
  });

  test('gives JSON', async () => {
    const journal = new Journal(folder());
    await journal.write({ MESSAGE: ['x', Buffer.from([255])], PRIORITY: 3, _COMM: 'cat' });
    const of = async (form: JournalForm) => {
      const [line = ''] = await new Reading(`journal:directory=${journal.folder}`, form).lines();
      return JSON.parse(line) as Record<string, unknown>;
    };
    const all = await of([]);
    expect(all).toMatchObject({ PRIORITY: '3', _COMM: 'cat', _HOSTNAME: 'web01' });
    expect(all['MESSAGE']).toEqual(expect.arrayContaining(['x', [255]]));
    expect(all['__REALTIME_TIMESTAMP']).toBe('1790000000000000');
    expect(await of(['_COMM'])).not.toHaveProperty('MESSAGE');
    expect(await of(['_COMM'])).toHaveProperty('__CURSOR');
  });

  test('passes over an entry of megabytes, and counts it', async () => {
    const journal = new Journal(folder());
    await journal.write(
      message('x'.repeat(3_000_000)),
      { MESSAGE: Buffer.alloc(2_000_000, 10) },
      message('next'),
    );
    const reading = new Reading(`journal:directory=${journal.folder}`);
    expect(await reading.lines()).toEqual(['next']);
    expect(reading.tooLong).toBe(2);
    expect(await reading.lines()).toEqual([]);
    expect(reading.tooLong).toBe(2);
  });

  test('is left in the middle, and read on from there', async () => {
    const journal = new Journal(folder());
    const texts = Array.from({ length: 600 }, (_, i) => `${i} ${'x'.repeat(1000)}`);
    await journal.write(...texts.map((text) => message(text)));
    const reading = new Reading(`journal:directory=${journal.folder}`);
    reading.paused = () => true;
    const parts: string[][] = [];
    do parts.push(await reading.lines());
    while (parts.at(-1)?.length);
    expect(parts.length).toBeGreaterThan(5);
    expect(parts.flat()).toEqual(texts);
    expect(reading.losses).toEqual([]);
  });

  test('says once that a file of it cannot be read, and reads the others', async () => {
    const journal = new Journal(folder());
    await journal.write(message('one'));
    writeFileSync(join(journal.folder, 'broken.journal'), 'nonsense');
    const reading = new Reading(`journal:directory=${journal.folder}`);
    expect(await reading.lines()).toEqual(['one']);
    expect(await reading.lines()).toEqual([]);
    expect(reading.losses.map(({ why }) => why)).toEqual(['unreadable']);
    expect(String(reading.losses[0]?.error)).toContain('broken.journal');
  });

  const life = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ write: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 1, arbitrary: fc.constantFrom('rotate' as const, 'boot' as const) },
      { weight: 3, arbitrary: fc.constant('read' as const) },
      { weight: 1, arbitrary: fc.constant('vacuum' as const) },
    ),
    { maxLength: 16 },
  );

  test('what is left is read once, whatever is rotated and vacuumed, and a loss is said', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), life, async (units, steps) => {
        const journal = new Journal(folder());
        const query = units ? ',unit=a.service' : '';
        const reading = new Reading(`journal:directory=${journal.folder}${query}`);
        /** What is asked for and was not read yet, by the file that it is in; files oldest first. */
        const unread = new Map<string, string[]>();
        let [written, changes, lost] = [0, 0, 0];
        const read = async () => {
          const expected = [...unread.values()].flat();
          for (const texts of unread.values()) texts.length = 0;
          expect(await reading.lines()).toEqual(expected);
        };
        // What is gone is missed when something is there again.
        for (const it of [...steps, { write: 2 }]) {
          changes += 1;
          if (it === 'rotate') journal.file = `system@${changes}`;
          else if (it === 'boot') journal.boot = String(changes).padStart(32, '0');
          else if (it === 'read') await read();
          else if (it === 'vacuum') {
            const [oldest] = unread.keys();
            if (oldest === undefined || oldest === journal.file) continue;
            if (reading.cursor !== undefined) lost += unread.get(oldest)?.length ?? 0;
            unread.delete(oldest);
            rmSync(join(journal.folder, `${oldest}.journal`));
          } else {
            const texts = unread.get(journal.file) ?? [];
            unread.set(journal.file, texts);
            for (let i = 0; i < it.write; i += 1) {
              const unit = written % 3 === 0 ? 'b.service' : 'a.service';
              if (!units || unit === 'a.service') texts.push(`e${written}`);
              await journal.write(message(`e${written}`, { _SYSTEMD_UNIT: unit }));
              written += 1;
            }
          }
        }
        await read();
        await read();
        if (lost > 0) expect(reading.losses.map(({ why }) => why)).toContain('vacuumed');
        if (!steps.includes('vacuum')) expect(reading.losses).toEqual([]);
        rmSync(journal.folder, { recursive: true });
      }),
      { numRuns: Number(process.env['RUNS'] ?? 40) },
    );
  });
});
