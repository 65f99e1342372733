import { amqp } from './amqp.ts';
import { describeFaults } from './describe.ts';

describeFaults(amqp);
