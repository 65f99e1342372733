import { vi } from 'vitest';

const { waitFor } = vi;

// It gives up after a second where it is told nothing else, which a busy machine may take for anything.
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: 15_000, ...options });
