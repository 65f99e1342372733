/**
 * What other programs leave in a folder: a cron job writes a file, and the agent reads it at each tick.
 *
 * Source  `*.prom` in Prometheus' text, as node_exporter's textfile collector reads it; `*.out` with `name value
 *         [time]` in a line, as Diamond's files collector does. A file is read whole or not at all: one that ends
 *         within a line, or has a line that cannot be read, is left out and told of.
 * Units   Prometheus' names have theirs; else numbers.
 * Access  The agent's user has to be able to read the folder. The folder of a mount that hangs is passed over.
 */
import {
  defineCollector,
  dottedName,
  duration,
  gauge,
  seconds,
  size,
  wholePath,
  z,
} from 'cullinan/plugin';
import { openFolders, seriesOption } from 'cullinan/programs';

const options = z.strictObject({
  folders: z
    .array(wholePath())
    .min(1)
    .default(['/var/lib/prometheus/node-exporter', '/var/lib/cullinan/textfile'])
    .describe('The folders. One that is not there is passed over.'),
  stale: duration({ least: '1s' }).optional().meta({
    description: 'A file that was not written again for so long is left out, and told of.',
    fallback: 'it is read for ever, and its age is there to alarm on',
  }),
  as: dottedName()
    .optional()
    .meta({ description: 'What stands before its names.', fallback: 'nothing' }),
  output: size().prefault('4MiB').describe('How large a file may be.'),
  series: seriesOption(),
});

const metrics = {
  written: gauge('node_textfile_mtime_seconds', {
    unit: 'seconds',
    labels: ['file'],
    help: 'When the file was written last, in Unix seconds.',
  }),
};

export default defineCollector({
  name: 'textfile',
  summary: 'What other programs leave in a folder, as node_exporter and Diamond read it.',
  source: 'files in folders of your choice',
  enabled: false,
  foreign: true,
  options,
  metrics,
  open: () => openFolders((file, at) => metrics.written.observe(seconds(at), { file })),
});
