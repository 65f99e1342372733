/**
 * Writes numbered lines to a log, 50 at a time and as often as timers allow, as a daemon does: with the
 * file open, until SIGHUP says to open it anew. It prints a line when it begins, and when SIGTERM ends
 * it how many lines were written.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

const [path = ''] = process.argv.slice(2);
let file = openSync(path, 'a');
let written = 0;
process.on('SIGHUP', () => {
  closeSync(file);
  file = openSync(path, 'a');
});
process.on('SIGTERM', () => {
  process.stdout.write(`${written}\n`, () => process.exit(0));
});

function write() {
  let text = '';
  for (let i = 0; i < 50; i += 1) {
    written += 1;
    text += `l${written.toString(36).padStart(6, '0')} GET /a/path/of/some/length HTTP/1.1 200 ${written}.\n`;
  }
  writeSync(file, text);
  setTimeout(write, 1);
}
process.stdout.write('ready\n');
write();
