import { HOSTNAME_METHODS, selector } from '../naming/index.ts';
import { COUNTERS, duration, size, wholePath, z } from '../plugin/index.ts';

/** Longer waits are mistakes, and timers cannot count beyond 24 days. */
const span = (limits: { readonly least?: string } = {}) =>
  duration(limits).refine((seconds) => seconds <= 86_400, { error: 'must be at most 1d' });

/** Ticks are multiples of it in whole milliseconds. */
const interval = () =>
  span({ least: '100ms' }).refine(
    (seconds) => Math.abs(seconds * 1000 - Math.round(seconds * 1000)) < 1e-6,
    { error: 'must be a whole number of milliseconds' },
  );

/** Where plugins are looked for unless something else is said; it need not be there. */
export const PLUGIN_FOLDER = '/etc/cullinan/plugins';

const folder = wholePath();

const pattern = z.string().superRefine((text, context) => {
  try {
    selector(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is no pattern: ${(error as Error).message}` });
  }
});

const expression = z.string().superRefine((text, context) => {
  try {
    new RegExp(text, 'gu');
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
});

const replacement = z.strictObject({
  from: expression.describe('A regular expression; every match of it is replaced.'),
  to: z.string().describe('What takes its place; "$1" stands for the first group.'),
});

const relabel = z.strictObject({
  match: z.array(pattern).optional().meta({
    description: 'Patterns as in "only", of which one must fit.',
    fallback: 'every series',
  }),
  drop: z.boolean().default(false).describe('Leaves the series out.'),
  rename: replacement.optional().describe('Rewrites the path.'),
  replace: z
    .record(z.string(), replacement)
    .default({})
    .describe('Rewrites the values of labels, by label.'),
  labels: z
    .record(z.string(), z.string())
    .default({})
    .describe('Labels to set, where a dialect has labels; "" takes one away.'),
  scale: z.number().default(1).describe('What values are multiplied by.'),
});

const LISTEN = /^(?:(?:\[([\da-f:.]+)\]|([\w.-]+)):)?(\d{1,5})$/i;

/** Where a listener is: `[::1]:9111`, `127.0.0.1:9111`, or a port of this host alone. */
export function listenAddress(text: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, digits] = LISTEN.exec(text) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65_535)) return undefined;
  return { host: bracketed ?? plain ?? '127.0.0.1', port };
}

/** What the file says besides collectors and handlers. */
export const globals = z.strictObject({
  interval: interval()
    .prefault('10s')
    .describe(
      'Time between two ticks, which fall on its multiples on the wall clock; at least 100ms.',
    ),
  hostname: z
    .strictObject({
      method: z
        .enum(HOSTNAME_METHODS)
        .default('smart')
        .describe("How this host is spelled in paths (Diamond's methods)."),
      name: z
        .string()
        .min(1)
        .optional()
        .describe('The name itself, whatever the method; with method "shell" the command to run.'),
    })
    .refine(({ method, name }) => method !== 'shell' || name !== undefined, {
      error: 'must have the command to run as its name, because its method is "shell"',
    })
    .prefault({})
    .describe('The name of this host.'),
  labels: z
    .record(
      z
        .string()
        .regex(
          /^[A-Za-z_][\w.-]*$/,
          'must begin with a letter or "_" and go on with letters, digits, "_", "." or "-"',
        ),
      z.string().min(1),
    )
    .default({})
    .describe('Labels of every series, where a dialect has labels (tags, JSON).'),
  host: z
    .strictObject({
      proc: folder.default('/proc').describe('Where the observed host’s /proc is.'),
      sys: folder.default('/sys').describe('Where the observed host’s /sys is.'),
      root: folder.default('/').describe('Where the observed host’s / is.'),
      source: z
        .enum(['auto', 'proc', 'systeminformation'])
        .default('auto')
        .describe(
          'What the collectors ask: proc reads these trees; systeminformation runs other programs, and knows less; auto is proc on Linux, and systeminformation elsewhere.',
        ),
    })
    .prefault({})
    .describe('The host that is observed, seen from a container: /host/proc and so on.'),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('The least of what is logged.'),
    })
    .prefault({})
    .describe('The log.'),
  status: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether it answers.'),
      socket: folder.optional().meta({
        description: 'The local socket, mode 0660, where `cullinan status` asks.',
        fallback: '/run/cullinan/status.sock, where the agent may write there',
      }),
    })
    .prefault({})
    .describe('What the agent tells of itself.'),
  health: z
    .strictObject({
      listen: z
        .string()
        .superRefine((text, context) => {
          if (listenAddress(text) !== undefined) return;
          context.addIssue({ code: 'custom', message: 'must be host:port, or a port' });
        })
        .optional()
        .meta({
          description:
            'Where probes of load balancers and containers are answered over HTTP, `/healthz` and `/readyz`: `127.0.0.1:9111`. A port alone is on 127.0.0.1.',
          fallback: 'nowhere',
        }),
    })
    .prefault({})
    .describe('Whether it lives and delivers, for probes.'),
  plugins: z
    .strictObject({
      folders: z
        .array(folder)
        .default([PLUGIN_FOLDER])
        .describe('Folders with collectors, handlers and parsers of your own, a file for each.'),
      packages: z
        .array(folder)
        .default([])
        .describe(
          'Folders called node_modules, where packages called cullinan-… are plugins, too.',
        ),
      inProcess: z
        .array(z.string())
        .default([])
        .describe(
          "Names of those that run in the agent's own thread: faster, but a mistake in one of them is the agent's.",
        ),
      memory: size()
        .refine((bytes) => bytes >= 8 * 1024 ** 2, { error: 'must be at least 8MiB' })
        .prefault('64MiB')
        .describe('Memory that the plugins of a thread may take.'),
      block: span({ least: '100ms' })
        .prefault('2s')
        .describe('Time for which a plugin may keep its thread busy without a pause.'),
    })
    .prefault({})
    .describe('Plugins of your own, and what they may take before they are stopped.'),
  shutdown: z
    .strictObject({
      timeout: span()
        .prefault('5s')
        .describe('Time to hand over what is queued when the agent stops.'),
    })
    .prefault({})
    .describe('Stopping.'),
});

/**
 * Keys that every collector has. They are optional here, because `collectors.default` may give
 * them too; `fallback` says what holds where neither does.
 */
export const collectorKeys = z.strictObject({
  enabled: z
    .boolean()
    .optional()
    .meta({ description: 'Whether it runs.', fallback: 'true, unless its page says otherwise' }),
  type: z.string().optional().meta({
    description: 'The collector, for a second instance of it under a name of its own.',
    fallback: 'the name',
  }),
  interval: interval()
    .optional()
    .meta({ description: 'Time between two collections.', fallback: 'interval' }),
  timeout: span().optional().meta({
    description:
      'Time until a collection is given up. It may exceed the interval: a collection never overlaps itself, the ticks that it misses are skipped.',
    fallback: 'half its interval, at most 30s',
  }),
  stagger: span({ least: '0s' }).optional().meta({
    description:
      'Window within which each host starts at a moment of its own after the tick; the stamp is always the tick.',
    fallback: 'a tenth of its interval, at most 1s',
  }),
  newSeriesPerHour: z.int().min(1).optional().meta({
    description:
      'Series it may begin within an hour; what it observes beyond is counted as refused.',
    fallback: '50000',
  }),
});

/** `collectors.default` gives these to every collector. */
export const collectorDefaults = collectorKeys.omit({ type: true });

/** Keys that every handler has. */
export const handlerKeys = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether it runs.'),
  type: z.string().optional().meta({
    description: 'The handler, for a second instance of it under a name of its own.',
    fallback: 'the name',
  }),
  dialect: z.string().optional().meta({
    description:
      'How series are named, scaled and typed. A dialect with options of its own takes a map: { name: collectd, storeRates: false }.',
    fallback: "the handler's own",
  }),
  prefix: z.string().optional().meta({
    description: 'First level or levels of every path; "" is none.',
    fallback: "the dialect's own",
  }),
  suffix: z.string().default('').describe('Levels between the host and the rest of a path.'),
  tags: z
    .boolean()
    .default(false)
    .describe('Graphite tags (name;host=…;device=…) instead of levels.'),
  counters: z.enum(COUNTERS).optional().meta({
    description:
      'What is sent of a counter where the dialect leaves it open: the total as it stands, its rate per second, or how much it grew since the tick before.',
    fallback: "the handler's own",
  }),
  only: z.array(pattern).optional().meta({
    description:
      'Send only what matches, by inner name or rendered path: globs, or expressions behind "re:". "collector:NAME" and "label:device=sd*" match a collector and a label; " & " joins what must all match.',
    fallback: 'everything',
  }),
  except: z.array(pattern).default([]).describe('Leave out what matches; it wins over "only".'),
  relabel: z
    .array(relabel)
    .default([])
    .describe(
      'Rules that change what is sent, in order; patterns see a series as it was observed.',
    ),
  interval: interval().optional().meta({
    description:
      'Send at the multiples of this interval only, where a collector observes more often.',
    fallback: 'every tick',
  }),
  reduce: z
    .enum(['last', 'average'])
    .default('last')
    .describe(
      'With an interval, what is sent of a level: the last reading, or the average. Of what is counted it is always the whole growth.',
    ),
  queue: z
    .strictObject({
      samples: z.int().min(1).default(100_000).describe('Samples that may wait.'),
      bytes: size().prefault('16MiB').describe('Memory that waiting samples may take.'),
      age: duration().optional().meta({
        description: 'Time after which what waits in memory is dropped, and counted as expired.',
        fallback: 'never',
      }),
      spool: z
        .strictObject({
          path: folder.optional().meta({
            description: 'A folder for this handler alone.',
            fallback: '/var/lib/cullinan/spool/ and the name',
          }),
          size: size()
            .refine((bytes) => bytes === 0 || bytes >= 1024 ** 2, {
              error: 'must be at least 1MiB, or 0B for no spool',
            })
            .prefault('0B')
            .describe('The most that it takes of the disk; 0B is no spool.'),
          age: duration().optional().meta({
            description: 'Time after which what is on disk is dropped, and counted as expired.',
            fallback: 'never',
          }),
        })
        .refine(({ path, age, size }) => size > 0 || (path === undefined && age === undefined), {
          error: 'must have a size, such as "size: 256MiB"',
        })
        .prefault({})
        .describe('A folder where samples wait while the peer is away, or the agent is stopped.'),
    })
    .prefault({})
    .describe('What waits for the peer; when it is full the oldest go first, and are counted.'),
  batch: z.int().min(1).default(1000).describe('Samples in one write, at most.'),
  linger: span({ least: '0s' })
    .prefault('0s')
    .describe('Time that a batch which is not full may wait for more; 0s sends at every tick.'),
  timeout: span().prefault('15s').describe('Time until a connect or a write is given up.'),
  backoff: z
    .strictObject({
      least: span().prefault('1s').describe('Wait after the first failure.'),
      most: span().prefault('1m').describe('Longest wait between two attempts.'),
    })
    .refine(({ least, most }) => least <= most, { error: 'must not have "least" above "most"' })
    .prefault({})
    .describe('The wait before the next attempt, doubled with each failure.'),
  resend: span({ least: '0s' }).optional().meta({
    description:
      'How much is sent once more after a broken connection, where sending twice does no harm.',
    fallback: 'two intervals',
  }),
});
