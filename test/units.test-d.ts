import { bytes, count, counter, gauge, kibibytes, milliseconds, ratio } from 'cullinan/plugin';

const io = counter('x', { unit: 'bytes', labels: ['device', 'direction'], help: '' });
const up = { device: 'eth0', direction: 'transmit' };
io.observe(bytes(4096), up);
io.observe(kibibytes(4), { device: 'eth0', direction: 'receive' });
io.observe(kibibytes(4), up, { host: 'guest-1', time: 1_700_000_000 });
// @ts-expect-error a bare number has no unit
io.observe(4096, up);
// @ts-expect-error packets are not bytes
io.observe(count(1), up);
// @ts-expect-error the label is called device
io.observe(bytes(1), { interface: 'eth0', direction: 'receive' });
// @ts-expect-error a declared label may not be left out
io.observe(bytes(1), { device: 'eth0' });
// @ts-expect-error nor may all of them
io.observe(bytes(1));
// @ts-expect-error nor may one be added
io.observe(bytes(1), { device: 'eth0', direction: 'receive', speed: 'fast' });
// @ts-expect-error a label is text
io.observe(bytes(1), { device: 0, direction: 'receive' });

const uptime = gauge('y', { unit: 'seconds', help: '' });
uptime.observe(milliseconds(5));
uptime.observe(milliseconds(5), {}, { time: 1_700_000_000 });
// @ts-expect-error a share is no time
uptime.observe(ratio(0.5));
// @ts-expect-error it was declared without labels
uptime.observe(milliseconds(5), { device: 'eth0' });
// @ts-expect-error what is declared stays as it was declared
uptime.name = 'z';

// @ts-expect-error kilobytes are no base unit
gauge('z', { unit: 'kilobytes', help: '' });
// @ts-expect-error a metric without help helps nobody
gauge('z', { unit: 'bytes' });
