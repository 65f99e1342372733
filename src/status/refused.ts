import { Foreseen } from '../plugin/index.ts';

/** The agent is there, and will not do what it is asked: the message says why. */
export class Refused extends Foreseen {
  override readonly name = 'Refused';
}
