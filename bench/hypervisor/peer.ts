// A hypervisor with as many guests as the first argument says, all of them at work: their numbers are others
// every second. Sends the path of its socket to whoever started it.
import { LibvirtPeer, type PeerGuest, recordedGuest } from '../../test/support/libvirt-peer.ts';

const guests = Number(process.argv[2]);
const model = recordedGuest();
const peer = await LibvirtPeer.listen();

function guest(n: number, second: number): PeerGuest {
  const id = n.toString(16).padStart(8, '0');
  const values = model.values.map(([name, value]): [string, number | string] => {
    if (name === 'net.0.name') return [name, `vnet${n}`];
    if (name === 'block.0.path') return [name, `/var/lib/nova/instances/${id}/disk`];
    if (typeof value === 'string' || !/time|bytes|reqs|pkts/.test(name)) return [name, value];
    return [name, value + second * (1000 + (n % 97))];
  });
  return { name: `instance-${id}`, uuid: `00000000-0000-4000-8000-0000${id}`, id: n + 1, values };
}

let second = 0;
const work = (): void => {
  peer.guests = Array.from({ length: guests }, (_, n) => guest(n, second));
  second += 1;
};
work();
setInterval(work, 1000);
process.on('disconnect', () => process.exit());
process.send?.(peer.path);
