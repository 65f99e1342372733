import { deepEqual, throws } from 'node:assert/strict';
import { parse } from './softnet.ts';

export default {
  'reads a row for each CPU, in hexadecimal'() {
    deepEqual(parse('0000002a 00000001 00000000\n'), [
      { cpu: '0', packets: 42, dropped: 1, squeezed: 0 },
    ]);
  },

  'says which line is wrong'() {
    throws(() => parse('0000002a 00000001 00000000\nno number\n'), /line 2: "no number"/);
  },
};
