import { describeFaults } from './describe.ts';
import { graphite } from './graphite.ts';

describeFaults(graphite);
