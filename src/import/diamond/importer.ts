import { dirname } from 'node:path';
import type { Importer } from '../importer.ts';
import { fileIn, readInput } from '../input.ts';
import { linesOf, merge, type Whole, within } from './files.ts';
import { LOGGING, parseIni } from './ini.ts';
import { collectors } from './observing.ts';
import { handlers, LOGS } from './sending.ts';

/** Moves a Diamond's configuration over: diamond.conf, collectors/*.conf and handlers/*.conf. */
export const diamond: Importer = {
  name: 'diamond',
  title: 'Diamond',
  takes: 'its folder, or its diamond.conf',
  words: 1,
  draft([path = ''], draft) {
    const file = fileIn(path, 'diamond.conf');
    const main = parseIni(file, readInput(file), draft);
    const whole = { draft, main, folder: dirname(file) };
    merge(whole);
    server(whole);
    const asked = collectors(whole);
    handlers(whole, asked);
    for (const [name, section] of main.sections) {
      if (/^(server|collectors|handlers|configs)$/.test(name)) continue;
      if (LOGGING.test(name)) draft.leave([...linesOf(section)], LOGS);
    }
  },
};

const SERVER: Readonly<Record<string, string>> = {
  user: 'the unit says who it runs as: cullinan.service',
  group: 'the unit says who it runs as: cullinan.service',
  pid_file: 'systemd knows its process; there is no such file',
  collectors_path: 'what is written in Python is not loaded',
  handlers_path: 'what is written in Python is not loaded',
  collectors_reload_interval: 'systemctl reload cullinan takes a changed configuration over',
  metric_queue_size: 'each handler has a queue of its own: queue.samples, 100000 by default',
  collectors_load_delay: 'all collectors start at once, and take their turns by themselves',
  abort_on_handlers_process_exit: 'handlers are no process of their own',
};

function server({ draft, main }: Whole): void {
  const section = within(main, 'server');
  draft.carry(section?.line);
  for (const [key, why] of Object.entries(SERVER))
    draft.leave(section?.settings.get(key)?.line, why);
}
