/** How the agent tells systemd that it is ready, alive, reloading or about to stop (sd_notify(3)). */
export { openChannel } from './channel.ts';
export { createNotifier, type Expectation } from './notifier.ts';
export { statusLine } from './status-line.ts';
