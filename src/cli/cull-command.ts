import { type Command, Option } from 'commander';
import type { CullOptions } from './cull-options.ts';

/**
 * Declares `cullinan cull`. Whoever has logster in a crontab changes the first word of the line, so that each of
 * its flags is here: those that are not needed are taken, and not shown.
 *
 * @param act what becomes of it where it is called.
 */
export function cullCommand(
  program: Command,
  act: (parser: string, files: readonly string[], options: CullOptions) => Promise<void>,
): Command {
  const several = (value: string, before: readonly string[] = []) => [...before, value];
  const taken = (flags: string, why: string) => new Option(flags, why).hideHelp();
  return program
    .command('cull')
    .description("make numbers of what is new in a log, once; takes logster's flags")
    .argument('<parser>', 'as `cullinan list` shows it')
    .argument('[file...]', 'logs')
    .option('-o, --output <name>', 'where to: stdout, graphite, … (repeatable)', several)
    .option('-p, --metric-prefix <prefix>', 'before each name')
    .option('-x, --metric-suffix <suffix>', 'behind each name')
    .option(
      '-s, --state-dir <folder>',
      'what was read until where (default: /var/lib/cullinan/cull)',
    )
    .option('--graphite-host <host:port>', 'with --output graphite')
    .option('--graphite-protocol <protocol>', 'tcp or udp (default: tcp)')
    .option('--statsd-host <host:port>', 'with --output statsd')
    .option('--stdout-separator <text>', 'between prefix, name and suffix (default: _)')
    .option('--gmetric-options <options>', "gmetric's -d, -c and -S, with --output ganglia")
    .option('--parser-options <options>', "the parser's options: logster's, or name: value, …")
    .option('--parser-help', 'explain the parser')
    .option('-d, --dry-run', 'print what would be sent; nothing is sent, and nothing is kept')
    .option('-D, --debug', 'say more')
    .option('-c, --config <file>', 'configuration file with the handlers of --to')
    .option('--to <handler>', 'a handler of --config, under its names (repeatable)', several)
    .option('--from-start', 'at the first run, begin at the start of the log')
    .option('--since <duration>', 'at the first run, begin with the lines of so long ago')
    .option('--archive <folder>', 'where rotated logs are put as well (repeatable)', several)
    .option('--interval <duration>', 'with these, the time for which there is one point', '60s')
    .option('--timeout <duration>', 'how long an output may take', '10s')
    .option('--wait <duration>', 'how long to wait for another cull of this log', '0s')
    .option('--json', 'print one JSON object a file')
    .addOption(taken('-t, --tailer <name>', 'not needed'))
    .addOption(taken('--locker <name>', 'not needed'))
    .addOption(taken('--logtail <path>', 'not needed'))
    .addOption(taken('-l, --log-dir <folder>', 'not needed'))
    .addOption(taken('--log-conf <file>', 'not needed'))
    .addOption(taken('--nsca-host <host:port>', 'not sent to'))
    .addOption(taken('--nsca-service-hostname <name>', 'not sent to'))
    .addOption(taken('--aws-key <key>', 'not sent to'))
    .addOption(taken('--aws-secret-key <key>', 'not sent to'))
    .action(act);
}
