import { equal } from 'node:assert/strict';
import { gauge, type Point } from 'cullinan/plugin';
import { encode } from './plain.ts';

const metric = gauge('room.temperature', { unit: 'celsius', help: 'How warm it is.' });

const point = (value: number, precision?: number): Point => {
  const series = { id: 0, metric, collector: 'room', host: 'web01', labels: {} };
  return {
    name: { series, path: 'servers.web01.room', reading: 'value', precision },
    value,
    time: 1795000000,
  };
};

export default {
  'writes a line for each point'() {
    equal(
      encode([point(20.5), point(21)]),
      'servers.web01.room 20.5 1795000000\nservers.web01.room 21 1795000000\n',
    );
  },

  'writes as many digits as the dialect wants'() {
    equal(encode([point(20.5, 2)]), 'servers.web01.room 20.50 1795000000\n');
  },
};
