import type { Found } from '../logs/index.ts';
import type { Point } from '../metric/index.ts';
import { formatValue } from '../wire/graphite.ts';
import { printable } from '../wire/printable.ts';
import { type Affixes, CullNames } from './cull-names.ts';
import type { Io } from './io.ts';

/** Points for one peer, ready to go. */
export interface Parcel {
  readonly points: readonly Point[];
  /** Resolves when all of it was taken. @throws {@link Foreseen} in a sentence. */
  send(): Promise<void>;
}

/** Somewhere that numbers of a log go. */
export interface Output {
  readonly name: string;
  /** @param where the file's own level in names, where there are several files. */
  parcels(found: readonly Found[], where: string): readonly Parcel[];
}

/** Characters: a write for each line costs more than all else of it. */
const WRITTEN_AT_ONCE = 16_384;

/** logster's own: `time name value`. */
export function standardOutput(io: Io, affixes: Affixes, host: string): Output {
  const names = new CullNames(affixes, 'rates', host);
  const write = async (points: readonly Point[]): Promise<void> => {
    let text = '';
    for (const { name, value, time } of points) {
      text += `${Math.floor(time)} ${printable(name.path)} ${formatValue(value, undefined)}\n`;
      if (text.length < WRITTEN_AT_ONCE) continue;
      io.out(text);
      text = '';
    }
    if (text !== '') io.out(text);
    await io.outDone?.();
  };
  return {
    name: 'stdout',
    parcels(found, where) {
      const points = names.points(found, where);
      return [{ points, send: () => write(points) }];
    },
  };
}
