/**
 * Linux software RAID: what state each array and its disks are in, and how far a resync has come.
 *
 * Source  /proc/mdstat: per array `md0 : active raid1 sdb1[1] sda1[0](F)`, then its blocks with
 *         `[disks wanted/disks working]`, and `recovery = 12.5% (done/blocks) finish=1.0min
 *         speed=100K/sec` while it works (Linux, drivers/md/md.c). Absent without the md driver.
 * Units   Blocks and speeds of 1 KiB become bytes; minutes become seconds.
 * Access  World-readable.
 */
import {
  bytes,
  type Chosen,
  count,
  defineCollector,
  gauge,
  ParseError,
  ratio,
  seconds,
  selection,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({
  arrays: selection().describe('Which arrays, by name, such as md0.'),
});

const labels = ['device'] as const;
const metrics = {
  state: gauge('system.linux.md.state', {
    unit: 'count',
    labels: ['device', 'state'],
    help: '1 for the state the array is in, 0 for the others.',
  }),
  disks: gauge('system.linux.md.disks', {
    unit: 'count',
    labels: ['device', 'state'],
    help: 'Disks of the array by state; those missing are not there at all.',
  }),
  required: gauge('system.linux.md.disks.required', {
    unit: 'count',
    labels,
    help: 'Disks that the array is complete with.',
  }),
  size: gauge('system.linux.md.size', { unit: 'bytes', labels, help: 'Size of the array.' }),
  synced: gauge('system.linux.md.synced', {
    unit: 'bytes',
    labels,
    help: 'How much of each disk a resync has come to; the size of the array where none runs.',
  }),
  progress: gauge('system.linux.md.progress', {
    unit: 'ratio',
    labels: ['device', 'activity'],
    help: 'How far a recovery, resync, reshape or check has come.',
  }),
  speed: gauge('system.linux.md.speed', {
    unit: 'bytes',
    labels: ['device', 'activity'],
    help: 'What it does per second.',
  }),
  remaining: gauge('system.linux.md.remaining', {
    unit: 'seconds',
    labels: ['device', 'activity'],
    help: 'Time until its end, as the kernel guesses.',
  }),
};

const STATES = ['active', 'inactive', 'recovery', 'resync', 'reshape', 'check'] as const;
type State = (typeof STATES)[number];

const ARRAY = /^(md\S{1,64}|\S{1,64}) : (active|inactive|broken)\b(.*)$/;
const MEMBER = /^\S+\[\d+\]((?:\([A-Z]\))*)$/;
const BLOCKS = /^ +(\d{1,20}) blocks\b(?:.*? \[(\d{1,5})\/(\d{1,5})\])?/m;
const ACTIVITY = new RegExp(
  [
    String.raw`^ +(?:\[.*\] +)?(recovery|resync|reshape|check|repair) *=`,
    String.raw` *(?:\d{1,3}\.\d% \((\d{1,20})\/(\d{1,20})\) finish=(\d+\.\d)min speed=(\d+)K\/sec|DELAYED|PENDING)`,
  ].join(''),
  'm',
);

/** The arrays; one that cannot be understood is an error in its place. */
export function parse(text: string) {
  // The kernel leaves a line empty behind each array.
  return text
    .replace(/^Personalities.*\n/, '')
    .replace(/^unused devices:.*\n?/m, '')
    .split(/\n\n+|\n(?=\S)/)
    .filter((block) => block.trim() !== '' && !block.startsWith('read_ahead'))
    .map((block) => {
      try {
        return parseArray(block);
      } catch (error) {
        if (error instanceof ParseError) return error;
        throw error;
      }
    });
}

function parseArray(block: string) {
  const [first = ''] = block.split('\n');
  const match = ARRAY.exec(first);
  const blocks = BLOCKS.exec(block);
  if (match === null || blocks === null) {
    throw new ParseError(`/proc/mdstat: "${first.slice(0, 80)}" begins no array`);
  }
  const [, device = '', state = '', rest = ''] = match;
  const disks = { active: 0, failed: 0, spare: 0, missing: 0 };
  for (const word of rest.split(' ')) {
    const flags = MEMBER.exec(word)?.[1];
    if (flags === undefined) continue;
    if (flags.includes('(F)')) disks.failed += 1;
    else if (flags.includes('(S)')) disks.spare += 1;
    else disks.active += 1;
  }
  const [, size = '', required, working] = blocks;
  if (required !== undefined) {
    // A disk that is being rebuilt is neither a spare nor one that works.
    disks.missing = Math.max(0, Number(required) - Math.max(disks.active, Number(working)));
  }
  return {
    device,
    active: state === 'active',
    disks,
    size: Number(size) * 1024,
    ...(required === undefined ? {} : { required: Number(required) }),
    ...activityOf(block),
  };
}

function activityOf(block: string) {
  const match = ACTIVITY.exec(block);
  if (match === null) return {};
  const [, activity = '', done, total, minutes, speed] = match;
  const under = (activity === 'repair' ? 'check' : activity) as State;
  if (done === undefined || !Number(total)) return { activity: under };
  const underWay = {
    share: Number(done) / Number(total),
    synced: Number(done) * 1024,
    speed: Number(speed) * 1024,
    remaining: Number(minutes) * 60,
  };
  return { activity: under, underWay };
}

function* observe(array: Exclude<ReturnType<typeof parseArray>, Error>) {
  const { device, active, disks, size, required, activity, underWay } = array;
  const now: State = activity ?? (active ? 'active' : 'inactive');
  for (const state of STATES) {
    yield metrics.state.observe(count(state === now ? 1 : 0), { device, state });
  }
  for (const [state, number] of Object.entries(disks)) {
    yield metrics.disks.observe(count(number), { device, state });
  }
  if (required !== undefined) yield metrics.required.observe(count(required), { device });
  yield metrics.size.observe(bytes(size), { device });
  if (active && activity === undefined) yield metrics.synced.observe(bytes(size), { device });
  if (activity === undefined || underWay === undefined) return;
  yield metrics.synced.observe(bytes(underWay.synced), { device });
  yield metrics.progress.observe(ratio(underWay.share), { device, activity });
  yield metrics.speed.observe(bytes(underWay.speed), { device, activity });
  yield metrics.remaining.observe(seconds(underWay.remaining), { device, activity });
}

function* observeAll(text: string, chosen: Chosen) {
  for (const array of parse(text)) {
    if (array instanceof Error) yield array;
    else if (chosen(array.device)) yield* observe(array);
  }
}

export default defineCollector({
  name: 'mdstat',
  summary: 'Linux software RAID: the state of each array and its disks, and how far a resync is.',
  source: '/proc/mdstat',
  enabled: false,
  options,
  metrics,
  collect: ({ host, options }) => observeAll(host.proc.read('mdstat'), options.arrays),
});
