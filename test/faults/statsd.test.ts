import { describeFaults } from './describe.ts';
import { statsd } from './statsd.ts';

describeFaults(statsd);
