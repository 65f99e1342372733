/** What stands on the command line: logster's flags, then our own. */
export interface CullOptions {
  readonly metricPrefix?: string;
  readonly metricSuffix?: string;
  readonly stateDir?: string;
  readonly output?: readonly string[];
  readonly graphiteHost?: string;
  readonly graphiteProtocol?: string;
  readonly statsdHost?: string;
  readonly stdoutSeparator?: string;
  readonly gmetricOptions?: string;
  readonly parserOptions?: string;
  readonly parserHelp?: boolean;
  readonly dryRun?: boolean;
  readonly debug?: boolean;
  readonly logDir?: string;
  readonly logConf?: string;
  readonly tailer?: string;
  readonly locker?: string;
  readonly logtail?: string;
  readonly config?: string;
  readonly to?: readonly string[];
  readonly fromStart?: boolean;
  readonly since?: string;
  readonly archive?: readonly string[];
  readonly interval: string;
  readonly timeout: string;
  readonly wait: string;
  readonly json?: boolean;
}

/** Flags that cull takes, and does not need: each with why. */
const NEEDLESS: readonly (readonly [keyof CullOptions, string, string])[] = [
  ['logDir', '--log-dir', 'what there is to say is said on standard error'],
  ['logConf', '--log-conf', 'what there is to say is said on standard error'],
  ['tailer', '--tailer', 'files are read by the program itself'],
  ['logtail', '--logtail', 'files are read by the program itself'],
  ['locker', '--locker', 'a lock that nobody holds any more is taken over'],
];

/** What to say of flags that were given in vain. */
export const needless = (options: CullOptions): readonly string[] =>
  NEEDLESS.flatMap(([key, flag, why]) =>
    options[key] === undefined ? [] : [`${flag} is not needed: ${why}`],
  );

/** logster takes a class, too: `logster.outputs.statsd.StatsdOutput`. */
export const outputNamed = (given: string): string =>
  /^logster\.outputs\.(\w+)/.exec(given)?.[1] ?? given;

/** Whether nothing but standard output is asked for, for which no configuration is needed. */
export function isPrinted({ output = [], to = [], config, dryRun, json }: CullOptions): boolean {
  if (config !== undefined || to.length > 0) return false;
  // A dry run at a terminal needs nowhere to send to.
  if (output.length === 0) return dryRun === true || json === true;
  return output.every((name) => outputNamed(name) === 'stdout');
}

/** What logster joins with, unless it is told. */
export const separatorOf = ({ stdoutSeparator = '_' }: CullOptions): string => stdoutSeparator;
