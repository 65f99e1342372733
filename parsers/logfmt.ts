/**
 * Lines of logfmt: how many, by what chosen fields hold, and the spread of fields that hold numbers.
 *
 * Format  `time=2026-11-21T08:38:12Z level=info msg="order stored" took=0.012`.
 * Units   Records since the report before; numbers as they are written.
 */
import {
  defineParser,
  type Line,
  openRecords,
  recordMetrics,
  recordOptions,
} from 'cullinan/plugin';
import { logfmtFields } from 'cullinan/wire/logfmt';

const metrics = recordMetrics('logfmt');

export default defineParser({
  name: 'logfmt',
  summary: 'Lines of logfmt: by what chosen fields hold, and the spread of those with numbers.',
  source: 'https://brandur.org/logfmt',
  options: recordOptions,
  metrics: () => Object.values(metrics),
  needles: () => ['='],
  open: (options) =>
    openRecords(metrics, options, ({ text }: Line) => {
      const fields = logfmtFields(text);
      return fields && ((field) => fields.get(field));
    }),
});
