/**
 * Draws the host on the terminal: cores, memory, disks, filesystems, interfaces, and the agent itself.
 *
 * Format    See src/wire/screen.ts. The alternate screen of the terminal, redrawn at each tick and
 *           when its size changes; only lines that changed are written. Ctrl-C or `q` quits, Ctrl-L
 *           redraws, Ctrl-Z suspends. A terminal that cannot move its cursor (`TERM=dumb`) gets one
 *           picture below the other.
 * Delivery  A point is delivered when it is in the picture. A terminal that is slow loses pictures,
 *           never points.
 */
import { closeSync, createWriteStream, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type AgentStatus, type Connection, defineHandler, Foreseen, z } from 'cullinan/plugin';
import { render, Screen, type Surface } from 'cullinan/wire/screen';
import { abilitiesOf, ENTER, keyOf, LEAVE, redraw } from 'cullinan/wire/terminal';

const mode = z.enum(['auto', 'always', 'never']).default('auto');
const options = z.strictObject({
  colour: mode.describe('Colours; auto means unless NO_COLOR is set or the terminal is dumb.'),
  unicode: mode.describe('Bars of Unicode characters; auto means where the locale has them.'),
});

/** What a picture is drawn on. */
export interface Terminal {
  /** Its size and abilities now. */
  readonly surface: Surface;
  /** Whether it can move its cursor; otherwise pictures follow each other. */
  readonly moves: boolean;
  /** Resolves when the terminal has taken all of it. */
  write(text: string): Promise<void>;
  /** Calls back whenever everything must be drawn again, as when the size has changed. */
  onRedraw(redraw: () => void): void;
  /** Leaves the terminal as it was found. */
  restore(): void;
}

/** Something else may have written to the terminal: now and then every line is drawn again. */
const WHOLE_EVERY = 6;

/** Draws on a terminal, from the first batch on. */
export function drawOn(terminal: Terminal, agent: AgentStatus): Connection {
  const screen = new Screen();
  let shown: readonly string[] | undefined;
  let pictures = 0;
  let told = 0;
  let wanted = false;
  let closed = false;
  let drawing = Promise.resolve();
  let busy = false;
  let end: (error: unknown) => void = () => {};
  const ended = new Promise<unknown>((resolve) => {
    end = resolve;
  });

  const draw = async () => {
    if (screen.time > told) {
      told = screen.time;
      screen.feedAgent(agent);
    }
    const lines = render(screen, terminal.surface);
    if (pictures % WHOLE_EVERY === 0 || lines.length !== shown?.length) shown = undefined;
    pictures += 1;
    await terminal.write(terminal.moves ? redraw(lines, shown) : `${lines.join('\n')}\n\n`);
    shown = lines;
  };
  // While the terminal is busy, what comes is kept for one more picture.
  const want = () => {
    wanted = true;
    if (!busy && !closed) {
      busy = true;
      // The batches of one tick follow each other closely: one picture shows them all.
      setImmediate(() => {
        drawing = drawWanted();
      });
    }
  };
  const drawWanted = async () => {
    try {
      while (wanted && !closed) {
        wanted = false;
        await draw();
      }
    } catch (error) {
      end(error);
    } finally {
      busy = false;
    }
  };

  terminal.onRedraw(() => {
    pictures = 0;
    if (screen.time > 0) want();
  });
  return {
    async write(batch) {
      screen.feed(batch);
      want();
    },
    async close() {
      closed = true;
      await Promise.race([drawing, new Promise((resolve) => setTimeout(resolve, 200).unref())]);
      terminal.restore();
    },
    ended,
  };
}

/** The terminal this process was started on. */
function ownTerminal(abilities: ReturnType<typeof abilitiesOf>): Terminal {
  const { stdin, stdout } = process;
  // Not process.stdout: it would hold up the whole agent while a terminal does not read.
  const output = createWriteStream('', { fd: 1, autoClose: false });
  output.on('error', () => {});
  let entered = false;
  let redraw = () => {};
  const leave = () => {
    if (!entered) return;
    entered = false;
    try {
      writeSync(1, LEAVE);
    } catch {
      // The terminal has gone, and with it everything there was to restore.
    }
  };
  const press = (bytes: Buffer) => {
    const key = keyOf(bytes.toString('latin1'));
    if (key === 'redraw') redraw();
    // To the whole foreground job (npm, a shell script), as the terminal itself would signal it.
    if (key === 'quit') process.kill(0, 'SIGINT');
    if (key === 'suspend') {
      release();
      process.once('SIGCONT', resume);
      process.kill(0, 'SIGTSTP');
    }
  };
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  // The window was closed: nothing is left to draw on, and nobody to press Ctrl-C.
  const hangUp = () => {
    // Node aborts at its end when a terminal it was started on refuses to be reset.
    for (const fd of terminals) {
      closeSync(fd);
      openSync('/dev/null', 'r+');
    }
    process.kill(process.pid, 'SIGTERM');
  };
  const take = () => {
    if (!stdin.isTTY) return;
    // Raw, so that keys do not echo into the picture; then Ctrl-C is ours to translate.
    stdin.setRawMode(true);
    stdin.on('data', press).resume().unref();
  };
  const release = () => {
    leave();
    if (stdin.isTTY) stdin.setRawMode(false).off('data', press).pause();
  };
  const resume = () => {
    take();
    redraw();
  };
  const resized = () => redraw();
  process.once('exit', release);
  stdin.once('end', hangUp).once('error', hangUp);
  stdout.on('resize', resized);
  take();
  return {
    get surface() {
      const { columns, rows } = stdout;
      return { ...abilities, columns: columns || 80, rows: rows || 24 };
    },
    moves: abilities.moves,
    write: (text) =>
      new Promise((resolve, reject) => {
        const whole = abilities.moves && !entered ? ENTER + text : text;
        entered = abilities.moves;
        output.write(whole, (error) => (error ? reject(error) : resolve()));
      }),
    onRedraw(callback) {
      redraw = callback;
    },
    restore() {
      release();
      process.off('exit', release).off('SIGCONT', resume);
      stdout.off('resize', resized);
      stdin.off('end', hangUp);
    },
  };
}

export default defineHandler({
  name: 'live',
  summary: 'Draws the host on the terminal, anew at each tick.',
  options,
  dialect: 'otel',
  counters: 'rates',
  idempotent: false,
  acknowledged: true,
  previews: true,
  async open({ options, agent }) {
    if (!process.stdout.isTTY) {
      throw new Foreseen(
        'live: standard output is no terminal, so there is nothing to draw on. Use the handler console, or start the agent on a terminal.',
      );
    }
    return drawOn(ownTerminal(abilitiesOf(process.env, options)), agent);
  },
});
