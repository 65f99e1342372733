import { describeFaults } from './describe.ts';
import { riemann } from './riemann.ts';

describeFaults(riemann);
