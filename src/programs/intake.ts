import type { Observation } from '../metric/index.ts';
import { Foreseen, Remark } from '../plugin/index.ts';
import type { LineReader, Said } from '../wire/readings/reading.ts';
import { Harvest, type HarvestOptions } from './harvest.ts';

/** Lines of one tick that could not be read and are told of; the others are counted. */
const TOLD = 3;

/** Reads lines into a harvest, and remembers what was wrong with them until the next tick. */
export class Intake {
  readonly harvest: Harvest;
  /** What stands before whatever is told of it. */
  readonly #of: string;
  readonly #most: number;
  readonly #said: Said = { readings: [], notes: [] };
  #wrong: string[] = [];
  #wrongs = 0;
  /** Lines so far. */
  lines = 0;

  /** @param name what is read, where a collector reads several; its own name is said by the agent. */
  constructor(options: HarvestOptions, name?: string) {
    this.#of = name === undefined ? '' : `${name}: `;
    this.#most = options.most;
    this.harvest = new Harvest(options);
  }

  read(reader: LineReader, line: string): void {
    this.lines += 1;
    this.take((said) => reader.read(line, said));
  }

  /** What a codec makes of something: what it cannot read costs itself. */
  take(decode: (said: Said) => void): void {
    const { readings, notes } = this.#said;
    try {
      decode(this.#said);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#wrongs += 1;
      if (this.#wrong.length < TOLD) this.#wrong.push(error.message);
    }
    for (let i = 0; i < readings.length; i += 1) {
      const reading = readings[i];
      if (reading !== undefined) this.harvest.put(reading);
    }
    readings.length = 0;
    if (notes.length > 100) notes.length = 100;
  }

  /** What was said since the tick before, and what is to be said of it. */
  *observed(): Generator<Observation | Error> {
    yield* this.harvest.take();
    const refused = this.harvest.refusals();
    if (refused > 0) {
      yield new Foreseen(
        `${this.#of}${refused} values belong to more series than the ${this.#most} that \`series\` allows`,
      );
    }
    for (const wrong of this.#wrong) yield new Foreseen(`${this.#of}${wrong}`);
    if (this.#wrongs > TOLD) {
      yield new Foreseen(`${this.#of}${this.#wrongs - TOLD} more lines that cannot be read`);
    }
    this.#wrong = [];
    this.#wrongs = 0;
    for (const note of this.#said.notes.splice(0).slice(0, TOLD)) {
      yield new Remark(`${this.#of}${note}`);
    }
  }
}
