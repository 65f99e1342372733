/**
 * systemd: its units by state, which of them have failed, and whether the system is up as it should be.
 *
 * Source  ListUnits and the manager's properties SystemState and NJobs, asked of
 *         org.freedesktop.systemd1 over the system's bus (D-Bus, org.freedesktop.systemd1(5)). Two
 *         small calls and one of some 300 bytes per unit, over one connection that stays.
 * Units   Units and jobs; 1 for yes, 0 for no.
 * Access  The system's bus, by default open to everybody for these questions.
 */
import type { Socket } from 'node:net';
import { reachUnix } from 'cullinan/net';
import {
  AccessDenied,
  type Chosen,
  count,
  defineCollector,
  Foreseen,
  gauge,
  NoData,
  selection,
  Unresponsive,
  wholePath,
  z,
} from 'cullinan/plugin';
import {
  BEGIN,
  type Call,
  encodeCall,
  encodeHello,
  type Message,
  MessageReader,
  type Value,
} from 'cullinan/wire/dbus';

const options = z.strictObject({
  units: selection({ include: ['*.service'] }).describe(
    'Which units are reported by themselves. All count in the totals.',
  ),
  socket: wholePath()
    .default('/run/dbus/system_bus_socket')
    .describe("The socket of the system's bus."),
});

const metrics = {
  up: gauge('system.systemd.running', {
    unit: 'count',
    help: '1 if the system is up and nothing has failed, 0 if not (degraded, starting, maintenance, …).',
  }),
  jobs: gauge('system.systemd.jobs', {
    unit: 'count',
    help: 'Jobs that are waiting or under way.',
  }),
  units: gauge('system.systemd.units', {
    unit: 'count',
    labels: ['state'],
    help: 'Loaded units by state.',
  }),
  active: gauge('system.systemd.unit.active', {
    unit: 'count',
    labels: ['unit'],
    help: '1 if the unit is active, or is reloading.',
  }),
  failed: gauge('system.systemd.unit.failed', {
    unit: 'count',
    labels: ['unit'],
    help: '1 if the unit has failed.',
  }),
};

const STATES = ['active', 'reloading', 'inactive', 'failed', 'activating', 'deactivating'] as const;
const MANAGER = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
} as const;
const HELLO: Call = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'Hello',
};
const LIST: Call = {
  ...MANAGER,
  interface: 'org.freedesktop.systemd1.Manager',
  member: 'ListUnits',
};
const property = (name: string): Call => ({
  ...MANAGER,
  interface: 'org.freedesktop.DBus.Properties',
  member: 'Get',
  texts: ['org.freedesktop.systemd1.Manager', name],
});
const STATE = property('SystemState');
const JOBS = property('NJobs');

/** A connection to a bus, on which one question is asked after the other. */
class Bus {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #reader = new MessageReader();
  #greeting = '';
  #serial = 0;
  #waiting = new Map<number, (answer: Message | Error) => void>();
  #greeted: ((error?: Error) => void) | undefined;
  over: Error | undefined;

  constructor(path: string, socket: Socket) {
    this.#path = path;
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#received(bytes));
    const ended = () => this.end(new Foreseen(`${path}: the bus ended the connection`));
    socket.on('close', ended).on('error', ended);
  }

  /** Says who we are, and waits until the bus believes it. */
  async greet(): Promise<void> {
    const greeted = new Promise<void>((resolve, reject) => {
      this.#greeted = (error) => (error === undefined ? resolve() : reject(error));
    });
    try {
      this.#socket.write(encodeHello(process.getuid?.() ?? 0));
      await greeted;
      this.#socket.write(BEGIN);
      await this.ask(HELLO);
    } catch (error) {
      this.end(error as Error);
      throw error;
    }
  }

  async ask(call: Call): Promise<readonly Value[]> {
    if (this.over !== undefined) throw this.over;
    this.#serial += 1;
    const serial = this.#serial;
    const answer = await new Promise<Message | Error>((resolve) => {
      this.#waiting.set(serial, resolve);
      this.#socket.write(encodeCall(call, serial));
    });
    if (answer instanceof Error) throw answer;
    if (answer.type !== 'error') return answer.body;
    const what = `${this.#path}: ${call.member}: ${answer.body[0] ?? answer.error}`;
    if (answer.error?.endsWith('.AccessDenied')) throw new AccessDenied(what);
    if (/[.](ServiceUnknown|NameHasNoOwner)$/.test(answer.error ?? '')) throw new NoData(what);
    throw new Foreseen(what);
  }

  #received(bytes: Buffer): void {
    try {
      let rest = bytes;
      if (this.#greeted !== undefined) {
        this.#greeting += bytes.toString('latin1');
        const end = this.#greeting.indexOf('\r\n');
        if (end < 0 && this.#greeting.length < 1000) return;
        const refused = new Foreseen(
          `${this.#path}: refused: ${this.#greeting.slice(0, 80).trim()}`,
        );
        this.#greeted(this.#greeting.startsWith('OK ') ? undefined : refused);
        this.#greeted = undefined;
        rest = Buffer.from(this.#greeting.slice(end + 2), 'latin1');
      }
      for (const message of this.#reader.push(rest)) {
        this.#waiting.get(message.answers)?.(message);
        this.#waiting.delete(message.answers);
      }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.end(new Foreseen(`${this.#path}: it sent ${error.message}. Is this the system's bus?`));
    }
  }

  end(error: Error): void {
    this.over ??= error;
    this.#socket.destroy();
    this.#greeted?.(error);
    for (const answer of this.#waiting.values()) answer(error);
    this.#waiting.clear();
  }
}

async function connect(path: string, signal: AbortSignal): Promise<Bus> {
  const socket = await reachUnix(path, signal);
  // The agent ends when its work does.
  socket.unref();
  return new Bus(path, socket);
}

function* observe(
  [state]: readonly Value[],
  [jobs]: readonly Value[],
  [units = []]: readonly Value[],
  chosen: Chosen,
) {
  if (typeof state === 'string') yield metrics.up.observe(count(state === 'running' ? 1 : 0));
  if (typeof jobs === 'number') yield metrics.jobs.observe(count(jobs));
  const totals = new Map<string, number>(STATES.map((name) => [name, 0]));
  for (const row of Array.isArray(units) ? (units as readonly (readonly Value[])[]) : []) {
    const [unit, , load, active] = row;
    if (typeof unit !== 'string' || typeof active !== 'string' || load !== 'loaded') continue;
    totals.set(active, (totals.get(active) ?? 0) + 1);
    if (!chosen(unit)) continue;
    const up = active === 'active' || active === 'reloading';
    yield metrics.active.observe(count(up ? 1 : 0), { unit });
    yield metrics.failed.observe(count(active === 'failed' ? 1 : 0), { unit });
  }
  for (const [state, number] of totals) yield metrics.units.observe(count(number), { state });
}

export default defineCollector({
  name: 'systemd',
  summary: 'systemd: its units by state, which have failed, and whether the system is up.',
  source: "the system's bus (D-Bus), /run/dbus/system_bus_socket",
  enabled: false,
  options,
  metrics,
  open() {
    let bus: Bus | undefined;
    return {
      async collect({ options: { socket, units }, signal }) {
        const late = () => bus?.end(new Unresponsive(`${socket}: no answer`));
        signal.addEventListener('abort', late, { once: true });
        try {
          if (bus === undefined || bus.over !== undefined) {
            bus = await connect(socket, signal);
            await bus.greet();
          }
          const answers = [bus.ask(STATE), bus.ask(JOBS), bus.ask(LIST)] as const;
          return observe(...(await Promise.all(answers)), units);
        } finally {
          signal.removeEventListener('abort', late);
        }
      },
      close: () => bus?.end(new Foreseen('the agent ended')),
    };
  },
});
