import { describeFaults } from './describe.ts';
import { http } from './http.ts';

describeFaults(http);
