import { quoted } from '../patterns.ts';
import type { Asked } from './asked.ts';
import { Block, linesOf } from './block.ts';
import type { Observer } from './observer.ts';
import { milliseconds, page } from './web.ts';

export const ping: Observer = {
  collectors: ['ping'],
  only: ['check.ping.time.mean', 'check.ping.time.deviation', 'check.ping.loss'],
  options(block) {
    const { draft } = block;
    const at = ['collectors', 'ping'];
    for (const { values, line } of block.all('Host'))
      for (const host of values) draft.set([...at, 'targets', host], host, line);
    const patience = block.number('Timeout');
    block.put([...at, 'patience'], 'Timeout', patience && `${Math.max(1, Math.ceil(patience))}s`);
    const why = 'so many packets as count says are sent at each tick, in a row: wait';
    block.leave(why, 'Interval', 'MaxMissed');
    block.leave(
      'the system’s ping(8) is called, with what count, wait and patience say',
      ...['TTL', 'Size', 'SourceAddress', 'AddressFamily', 'Device'],
    );
  },
};

/** Pages whose answers are timed; what is in them is not read. */
export const curl: Observer = {
  collectors: ['http'],
  only: [],
  options(block, asked) {
    const { draft } = block;
    for (const node of block.all('Page')) {
      const own = new Block(draft, node.children ?? []);
      const name = node.values[0] ?? '';
      const time = own.truth('MeasureResponseTime') === true;
      const code = own.truth('MeasureResponseCode') === true;
      if (name === '' || own.find('URL') === undefined || (!time && !code)) {
        draft.leave(
          [...linesOf(node)],
          'the collector http tells of answers (MeasureResponseTime), and reads no numbers in them: exec runs a program that does (docs/exec.md)',
        );
        continue;
      }
      const at = ['collectors', 'http', 'targets', name];
      draft.set(at, {}, node.line);
      page(own, at);
      const post = own.text('Post');
      if (post !== undefined) draft.set([...at, 'method'], 'POST');
      own.put([...at, 'body'], 'Post', post);
      own.put([...at, 'timeout'], 'Timeout', milliseconds(own, 'Timeout'));
      measured(own, asked, name, 'MeasureResponseTime', 'time', 'response_time');
      measured(own, asked, name, 'MeasureResponseCode', 'status', 'response_code');
      for (const statistics of own.all('Statistics'))
        draft.leave([...linesOf(statistics)], 'of libcurl’s times there is check.http.phase_time');
      for (const match of own.all('Match'))
        draft.leave(
          [...linesOf(match)],
          'no numbers are read in pages: the collector exec runs a program that does (docs/exec.md)',
        );
    }
    if (!draft.has(['collectors', 'http', 'targets']))
      draft.drop(['collectors', 'http'], 'no page of it could be carried over');
  },
};

function measured(
  block: Block,
  { only, renames }: Asked,
  target: string,
  key: string,
  ours: string,
  type: string,
): void {
  block.draft.carry(block.lines(key));
  if (block.truth(key) !== true) return;
  const match = `check.http.${ours} & label:target=${target}`;
  only.push(match);
  const plain = target.replace(/[^\w-]/g, '_');
  // A name of other letters has a mark behind it where it was put right.
  const from = `check[.-]gauge[.-]http-${ours}[.]${quoted(plain)}(?:-[0-9a-f]{8})?`;
  renames.push({ match, from, to: ['curl', plain, type] });
}

const SECONDS: Readonly<Record<string, number>> = {
  ...{ s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_557_600 },
};

/** A number with one of collectd's multipliers. */
function number(
  text: string | undefined,
  units: Readonly<Record<string, number>>,
): number | undefined {
  const [, digits, unit = ''] = /^([+-]?\d+(?:\.\d+)?)([a-zA-Z]?)$/.exec(text ?? '') ?? [];
  const factor = unit === '' ? 1 : units[unit.toLowerCase()];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}
const BYTES: Readonly<Record<string, number>> = {
  ...{ b: 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 },
};

export const filecount: Observer = {
  collectors: ['files'],
  only: ['files.count', 'files.size'],
  options(block) {
    const { draft } = block;
    const at = ['collectors', 'files', 'groups'];
    for (const node of block.all('Directory')) {
      const own = new Block(draft, node.children ?? []);
      const folder = (node.values[0] ?? '').replace(/\/+$/, '');
      const name = own.text('Instance') ?? folder.replace(/^\/+/, '').replaceAll('/', '_');
      if (!folder.startsWith('/') || name === '' || draft.has([...at, name])) {
        draft.leave([...linesOf(node)], 'it needs a whole path, and an Instance of its own');
        continue;
      }
      const group = [...at, name];
      const deep = own.truth('Recursive') === false ? '' : '**/';
      const literal = folder.replace(/[*?[\]]/g, '?');
      const lines = [node.line, ...own.lines('Name', 'Recursive')];
      draft.set([...group, 'path'], `${literal}/${deep}${own.text('Name') ?? '*'}`, lines);
      draft.carry(own.lines('Instance'));
      const hidden = own.truth('IncludeHidden');
      own.put([...group, 'hidden'], 'IncludeHidden', hidden);
      const regular = own.truth('RegularOnly');
      if (regular === false) draft.set([...group, 'type'], 'all', own.lines('RegularOnly'));
      own.expect('RegularOnly', regular !== undefined, 'it is true or false');
      bound(own, group, 'Size', ['minSize', 'maxSize'], number(own.text('Size'), BYTES), 'B');
      const age = number(own.text('MTime'), SECONDS);
      bound(own, group, 'MTime', ['minAge', 'maxAge'], age, 's');
      const named = own.text('FilesSizeType') === 'bytes';
      own.expect('FilesSizeType', named, 'its type is bytes');
      own.expect('FilesCountType', own.text('FilesCountType') === 'files', 'its type is files');
      own.leave(
        'a group is the plugin’s instance: relabel of a handler makes other names',
        'Plugin',
        'TypeInstance',
      );
    }
    if (!draft.has(at))
      draft.drop(['collectors', 'files'], 'it has no folder that could be carried over');
  },
};

/** A bound that is the least where it is above 0, and the most below. */
function bound(
  block: Block,
  group: readonly string[],
  key: string,
  [least, most]: readonly [string, string],
  value: number | undefined,
  unit: string,
): void {
  if (value === 0) block.draft.carry(block.lines(key));
  else
    block.put(
      [...group, (value ?? 0) < 0 ? most : least],
      key,
      value === undefined ? undefined : `${Math.abs(value)}${unit}`,
    );
}
