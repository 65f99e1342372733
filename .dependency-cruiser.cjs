/**
 * The layering of docs/architecture.md, as rules: `node scripts/layering.mjs`, part of `npm test`.
 *
 * A room is a folder in src/. It may import every room on a floor below its own, and the neighbours
 * named here; nothing else. A new room needs a place in this table.
 */
const FLOORS = [
  ['metric', 'wire', 'clock'],
  [
    'plugin',
    'columns',
    'rates',
    'naming',
    'log',
    'net',
    'gossip',
    'libvirt',
    'store',
    'mounts',
    'logs',
    'script',
    'parsers',
    'names',
    'programs',
  ],
  ['host', 'portable', 'config', 'schedule', 'collect', 'deliver', 'status', 'notify'],
  ['agent'],
  ['foreign'],
  ['conformance', 'doctor', 'reference', 'import'],
  ['manual'],
  ['cli'],
];

/** Rooms that may import another one on their own floor, and why. */
const NEIGHBOURS = {
  wire: ['metric'], // the types of what is encoded
  naming: ['plugin', 'columns'], // samples and points as they are handed on, and what options are declared with
  store: ['plugin'], // which errors were foreseen
  logs: ['plugin', 'store', 'mounts'], // what a parser is, files that one process holds, and those that may hang
  script: ['plugin'], // which errors were foreseen
  parsers: ['plugin', 'script'], // what a parser is, and files of one's own
  names: ['plugin'], // which errors were foreseen
  programs: ['plugin', 'mounts'], // which errors were foreseen, what a collector's session is, and what may hang
  net: ['plugin'], // the connection that handlers open, and what options are declared with
  libvirt: ['plugin', 'net'], // which errors were foreseen, and the connection that is spoken over
  gossip: ['plugin', 'net'], // what options are declared with, and names that are resolved
  log: ['plugin'], // which errors were foreseen
  rates: ['plugin'], // the type that a collector's `since` answers with
};

/** The parts of Node that compute and do nothing else. */
const PURE_PARTS = '^(node:)?(buffer|crypto|string_decoder|util)$';
const PURE_ROOMS = '^src/(metric|wire|rates|naming)/';

const rooms = FLOORS.flatMap((floor, height) => {
  const below = FLOORS.slice(0, height).flat();
  return floor.map((room) => {
    const allowed = [room, ...below, ...(NEIGHBOURS[room] ?? [])];
    return {
      name: `floor-of-${room}`,
      severity: 'error',
      comment: `src/${room} may import: ${allowed.slice(1).join(', ') || 'nothing'}.`,
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: `^src/(${allowed.join('|')})/` },
    };
  });
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...rooms,
    {
      name: 'every-room-has-a-floor',
      severity: 'error',
      comment: 'Give the room a place in the table of .dependency-cruiser.cjs.',
      from: { path: '^src/', pathNot: `^src/(${FLOORS.flat().join('|')})/` },
      to: {},
    },
    {
      name: 'doors',
      severity: 'error',
      comment: 'From outside, a room is its index.ts; in wire every codec is a door of its own.',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/', pathNot: '^src/($1/|wire/|[^/]+/index\\.ts$)' },
    },
    {
      name: 'plugins-use-the-public-door',
      severity: 'error',
      comment:
        "A built-in plugin imports what a stranger's plugin could: cullinan/plugin, cullinan/net, cullinan/wire/*, " +
        'node:*. A protocol library is an exception to be named here.',
      from: { path: '^(collectors|handlers|parsers)/' },
      to: {
        dependencyTypes: ['local', 'npm', 'npm-dev', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '^node_modules/(mqtt-packet|re2js)/',
      },
    },
    {
      name: 'plugins-see-only-the-public-door',
      severity: 'error',
      from: { path: '^(collectors|handlers|parsers)/' },
      to: {
        path: '^(src|collectors|handlers|parsers|test|scripts)/',
        pathNot: '^src/((plugin|net|gossip|libvirt|logs|parsers|programs)/index\\.ts$|wire/)',
      },
    },
    {
      name: 'only-the-agent-knows-the-plugins',
      severity: 'error',
      comment: 'Everything else finds them in the registry.',
      from: { path: '^src/', pathNot: '^src/(agent|parsers)/builtin\\.ts$' },
      to: { path: '^(collectors|handlers|parsers)/' },
    },
    {
      name: 'wire-takes-types',
      severity: 'error',
      comment: 'A codec needs to know what a metric looks like, and runs nothing of it.',
      from: { path: '^src/wire/' },
      to: { path: '^src/(?!wire/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'pure-rooms',
      severity: 'error',
      comment:
        'No clock, file, socket, process or library: what they need comes in as an argument.',
      from: { path: PURE_ROOMS },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-no-pkg', 'npm-unknown'],
        pathNot: PURE_PARTS,
      },
    },
    {
      name: 'not-loaded-on-linux',
      severity: 'error',
      comment:
        'systeminformation takes 10 MiB, so it is imported where it is needed: await import(…), and ' +
        'only by src/portable, which is imported likewise.',
      from: { path: '^(src|collectors|handlers|parsers)/', pathNot: '^src/portable/' },
      to: { path: '^src/portable/', dynamic: false },
    },
    {
      name: 'not-loaded-on-linux',
      severity: 'error',
      comment: 'See above.',
      from: { path: '^(src|collectors|handlers|parsers)/' },
      to: {
        path: '(^|/)node_modules/systeminformation/',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'everything-is-found',
      severity: 'error',
      comment: 'An import that cannot be resolved cannot be judged.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-tests-in-the-program',
      severity: 'error',
      from: { path: '^(src|collectors|handlers|parsers)/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'no-development-tools-in-the-program',
      severity: 'error',
      from: { path: '^(src|collectors|handlers|parsers)/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js'],
    },
  },
};
