import { describe, expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { Folder } from './support.ts';

/** What is said about the labels of the collector libvirt: a list of words, or a map of text. */
function said(labels: string): string {
  using folder = new Folder(`collectors: { libvirt: { labels: ${labels} } }\n`);
  try {
    loadConfig({ path: folder.main, registry, environment: {}, defaultHandlers: {} });
  } catch (error) {
    return String(error);
  }
  return '';
}

describe('an option that may be a list or a map is told', () => {
  test('what is wrong within the one that was written', () => {
    expect(said('[uuid, nope]')).toContain('labels must be one of uuid, domain,');
    expect(said('{ a: "" }')).toContain('labels.a must not be empty');
  });

  test('both, where it is neither', () => {
    expect(said('5')).toContain('labels must be a list or a map');
  });
});
