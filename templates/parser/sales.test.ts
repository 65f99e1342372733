import { deepEqual, equal } from 'node:assert/strict';
import { lineOf } from 'cullinan/plugin';
import parser from './sales.ts';

export default {
  'leaves out what is smaller than it was told'() {
    const it = parser.open({ least: 10 });
    equal(it.parse(lineOf(Buffer.from('2026-11-18T10:26:40Z order paid 9.99'))), true);
    deepEqual([...it.report(60)], []);
  },

  'knows no other line'() {
    equal(parser.open({ least: 0 }).parse(lineOf(Buffer.from('hello'))), false);
  },
};
