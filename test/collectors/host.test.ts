import { NoData } from 'cullinan/plugin';
import { describe, expect, test } from 'vitest';
import host, { parseCpu, parseRelease, virtualization } from '../../collectors/host.ts';
import { collecting, describeCollector } from '../support/collector.ts';
import { hostWith, refusing } from '../support/host.ts';

describeCollector(host);

test('is read once and then rarely, and told at every tick', async () => {
  const asked: string[] = [];
  const counted = refusing(hostWith({ 'proc/sys/kernel/osrelease': '6.1.0\n' }), (question) => {
    asked.push(question);
    return undefined;
  });
  const collect = collecting(host);
  for (let tick = 0; tick < 2161; tick += 1) {
    const { observations } = await collect(10 * tick, { host: counted });
    expect(observations).toMatchObject([{ value: 1, labels: { kernel: '6.1.0' } }]);
  }
  expect(asked.filter((question) => question.endsWith('osrelease'))).toHaveLength(2);
});

test('asks for nothing that tells one machine from another of its kind', async () => {
  const asked: string[] = [];
  const nothing = refusing(hostWith({ 'proc/sys/kernel/osrelease': '6.1.0\n' }), (question) => {
    asked.push(question);
    return question.includes('osrelease') ? undefined : new NoData(question);
  });
  await collecting(host)(0, { host: nothing });
  expect(asked.join()).not.toMatch(/serial|uuid|asset_tag|machine-id|address/);
});

test.each([
  ['quoted', 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n', 'debian', '12'],
  ['bare', "ID='alpine'\nVERSION_ID=3.19.1\n", 'alpine', '3.19.1'],
  ['without a version', 'ID=arch\nBUILD_ID=rolling\n', 'arch', ''],
])('a release file may be %s', (_, text, id, version) => {
  expect(parseRelease(text)).toEqual({ id, version });
});

describe('/proc/cpuinfo', () => {
  test.each([
    [
      'x86',
      'model name\t: AMD EPYC  7R13\nflags\t\t: fpu lm hypervisor\n',
      'AMD EPYC 7R13',
      'x86_64',
      true,
    ],
    ['x86 of 32 bits', 'model name\t: Geode(TM)\nflags\t\t: fpu de\n', 'Geode(TM)', 'i686', false],
    ['ARM', 'processor\t: 0\nCPU architecture: 8\nCPU part\t: 0xd0c\n', '', 'aarch64', undefined],
    [
      'POWER',
      'processor\t: 0\ncpu\t\t: POWER9, altivec supported\n',
      'POWER9, altivec supported',
      '',
      undefined,
    ],
  ])('of %s', (_, text, model, arch, guest) => {
    expect(parseCpu(text)).toEqual({ model, arch, guest });
  });
});

describe('virtualization', () => {
  const dell = { vendor: 'Dell Inc.', model: 'PowerEdge R750' };
  const ec2 = { vendor: 'Amazon EC2', model: 'm6a.2xlarge' };
  test.each([
    ['a server', '', dell, false, 'none'],
    ['a server with an ARM processor', '', dell, undefined, 'none'],
    ['a guest in a cloud', '', ec2, true, 'amazon'],
    ['bare metal in a cloud', '', ec2, false, 'none'],
    ['a guest of QEMU', '', { vendor: 'QEMU', model: 'Standard PC' }, true, 'qemu'],
    ['a guest of VMware', '', { vendor: 'VMware, Inc.', model: 'VMware7,1' }, true, 'vmware'],
    ['a guest of who knows whom', '', { vendor: '', model: '' }, true, 'other'],
    ['a paravirtual guest of Xen', 'xen', { vendor: '', model: '' }, false, 'xen'],
    ['a board without firmware that says anything', '', { vendor: '', model: '' }, undefined, ''],
  ])('%s', (_, type, machine, guest, expected) => {
    expect(virtualization(type, machine, guest)).toBe(expected);
  });

  test('the domain that controls Xen is no guest', async () => {
    const dom0 = hostWith({
      'proc/sys/kernel/osrelease': '6.1.0\n',
      'proc/cpuinfo': 'flags\t: fpu lm\n',
      'proc/xen/capabilities': 'control_d\n',
      'sys/hypervisor/type': 'xen\n',
    });
    const { observations } = await collecting(host)(0, { host: dom0 });
    expect(observations).toMatchObject([{ labels: { virtualization: 'none' } }]);
  });
});
