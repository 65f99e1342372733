/** How the agent tells systemd that it is ready, alive, reloading or about to stop (sd_notify(3)). */
export { type Channel, openChannel } from './channel.ts';
export { createNotifier, type Expectation, type Notifier } from './notifier.ts';
export { statusLine } from './status-line.ts';
