import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LONGEST, levels, segment, tagName, tagValue } from '../../src/wire/segment.ts';

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc.string({ unit: fc.constantFrom('a', '.', '/', ' ', '_', ';', '"', 'é'), maxLength: 300 }),
);

describe('a level of a path', () => {
  it.each([
    ['eth0', 'eth0'],
    ['guest_nice', 'guest_nice'],
    ['eth0:1', 'eth0:1'],
    ['eth0.100', 'eth0_100'],
    ['/var/log', '_var_log'],
    ['/', '_'],
    ['', '_'],
    ['.', '_'],
    ['..', '__'],
  ])('spells %j as %j', (text, expected) => {
    expect(segment(text)).toBe(expected);
  });

  it.each(['my disk', 'a"b', "a'b", 'a;b', 'a{b}', 'a*b', 'a?b', 'a\nb', 'a~b', 'Datenträger'])(
    'replaces what Graphite cannot take in %j and marks that it did',
    (text) => {
      expect(segment(text)).toMatch(/^[\w:-]+-[0-9a-f]{8}$/);
    },
  );

  it('is never empty, never too long and only of characters that every Graphite takes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(segment(text)).toMatch(/^[A-Za-z0-9_:-]+$/);
        expect(segment(text).length).toBeLessThanOrEqual(LONGEST);
      }),
    );
  });

  it('keeps texts apart, unless they differ in nothing but dots, slashes and underscores', () => {
    const seen = new Map<string, string>();
    const key = (text: string) => text.replace(/[./]/g, '_') || '_';
    fc.assert(
      fc.property(anyText, (text) => {
        const before = seen.get(segment(text));
        if (before !== undefined) expect(key(before)).toBe(key(text));
        seen.set(segment(text), text);
      }),
      { numRuns: 20_000 },
    );
  });

  it('keeps long texts with the same beginning apart', () => {
    const long = Array.from({ length: 10_000 }, (_, i) => segment(`${'x'.repeat(300)}${i}`));
    expect(new Set(long).size).toBe(10_000);
  });

  it('is the same in every run', () => {
    expect(segment('my disk')).toBe('my_disk-87d6c1e0');
  });
});

describe('levels as somebody else spells them', () => {
  it.each([
    ['servers.linux', 'servers.linux'],
    ['.servers..linux.', 'servers.linux'],
    ['Active(anon)', 'Active(anon)'],
    ['eth0.100', 'eth0.100'],
    ['Daten\u00e4', 'Daten\u00e4'],
    ['', ''],
    ['...', ''],
  ])('spells %j as %j', (text, expected) => {
    expect(levels(text)).toBe(expected);
  });

  it('are marked where an empty one must not be lost', () => {
    expect([levels('', '_'), levels('eth0.', '_'), levels('a..b', '_')]).toEqual([
      '_',
      'eth0._',
      'a._.b',
    ]);
  });

  it('never break the line or the tree of files', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const path = levels(text);
        expect(path).not.toMatch(/[\s/;]/);
        if (path === '') return;
        for (const level of path.split('.')) {
          expect(level).not.toBe('');
          expect(Buffer.byteLength(level)).toBeLessThanOrEqual(LONGEST);
        }
      }),
    );
  });
});

describe('a tag', () => {
  it.each([
    ['~home', '_home'],
    ['a;b', 'a_b'],
    ['my disk', 'my_disk'],
  ])('replaces what Carbon refuses in the value %j and marks that it did', (text, start) => {
    expect(tagValue(text)).toMatch(new RegExp(`^${start}-[0-9a-f]{8}$`));
  });

  it('keeps dots, slashes and UTF-8 in its value', () => {
    expect(tagValue('/srv/größe.d')).toBe('/srv/größe.d');
  });

  it('is one that Carbon takes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tagName(text)).toMatch(/^[\w.:-]+$/);
        expect(tagName(text)).not.toBe('name');
        expect(tagValue(text)).toMatch(/^[^\s;~][^\s;]*$/);
        expect(Buffer.byteLength(tagValue(text))).toBeLessThanOrEqual(LONGEST);
      }),
    );
  });
});
