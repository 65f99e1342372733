import { ParseError } from 'cullinan/plugin';
import {
  NFS2_PROCEDURES,
  NFS3_PROCEDURES,
  NFS4_CLIENT_OPERATIONS,
  NFS4_OPERATIONS,
} from 'cullinan/wire/nfs-operations';
import { expect, test } from 'vitest';
import nfs, { parse } from '../../collectors/nfs.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(nfs);

test('procedures and operations stand where the RFCs and the kernel have them', () => {
  expect(NFS2_PROCEDURES).toHaveLength(18);
  expect(NFS3_PROCEDURES).toHaveLength(22);
  expect(NFS3_PROCEDURES.indexOf('commit')).toBe(21);
  expect(NFS4_OPERATIONS.indexOf('access')).toBe(3);
  expect(NFS4_OPERATIONS.indexOf('write')).toBe(38);
  expect(NFS4_OPERATIONS.indexOf('sequence')).toBe(53);
  expect(NFS4_OPERATIONS.indexOf('removexattr')).toBe(75);
  expect(NFS4_CLIENT_OPERATIONS.indexOf('sequence')).toBe(41);
});

test('a version that nobody speaks is left out', async () => {
  const host = hostWith({
    'proc/net/rpc/nfs': 'net 0 0 0 0\nrpc 7 1 7\nproc2 3 0 0 0\nproc4 3 0 5 2\n',
  });
  expect(text(await collecting(nfs)(0, { host }))).toBe(
    [
      'system.nfs.connections{side="client"} 0 count counter',
      'system.nfs.rpc.calls{side="client"} 7 count counter',
      'system.nfs.operations{side="client",version="4",operation="null"} 0 count counter',
      'system.nfs.operations{side="client",version="4",operation="read"} 5 count counter',
      'system.nfs.operations{side="client",version="4",operation="write"} 2 count counter',
      'system.nfs.rpc.retransmissions{} 1 count counter',
      'system.nfs.rpc.authentication_refreshes{} 7 count counter',
      '',
    ].join('\n'),
  );
});

test('operations that this program does not know are left out', async () => {
  const many = Array.from({ length: 120 }, () => 1).join(' ');
  const host = hostWith({ 'proc/net/rpc/nfsd': `proc4ops 120 ${many}\n` });
  const { observations } = await collecting(nfs)(0, { host });
  expect(observations).toHaveLength(NFS4_OPERATIONS.length - 3);
});

test('a malformed line costs itself', () => {
  expect([...parse('nfs', 'net 1 x\nrpc 1 2 3\n')]).toEqual([
    ['net', new ParseError('nfs line 1: "net 1 x" is not "WORD NUMBER…"')],
    ['rpc', [1, 2, 3]],
  ]);
});
