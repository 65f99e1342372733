import fc from 'fast-check';

fc.configureGlobal({
  // Without it what may have sixty bytes never has more than ten.
  defaultSizeToMaxWhenMaxSpecified: true,
  // The same cases wherever the tests run: a change fails for what it did, and on every machine. Others: CONTRIBUTING.md.
  seed: Number(process.env['SEED'] ?? 1),
});
