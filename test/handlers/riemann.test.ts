import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'cullinan/plugin';
import { encodeRiemann } from 'cullinan/wire/riemann';
import { describe, expect, test } from 'vitest';
import riemann from '../../handlers/riemann.ts';
import { around, points } from '../support/delivery.ts';
import { describeWithPeer } from '../support/peers.ts';
import { RiemannServer } from '../support/riemann.ts';
import { TcpPeer } from '../support/tcp-peer.ts';

const forever = new AbortController().signal;
const open = (given: z.input<typeof riemann.options>, signal = forever) =>
  riemann.open({ options: riemann.options.parse(given), signal, ...around });

describe('the riemann handler', () => {
  test('delivers a batch when every message of it is answered', async () => {
    await using server = await RiemannServer.listen();
    const connection = await open({ host: '127.0.0.1', port: server.port, message: '512B' });
    await connection.write(points(0, 40), forever);
    expect(server.messages.length).toBeGreaterThan(1);
    expect(server.events.map(({ metric }) => metric)).toEqual(points(0, 40).map((p) => p.value));
    expect(server.events[0]).toMatchObject({ host: 'h', time: 1e9 });
    await connection.close();
  });

  test('drops what Riemann refuses, and goes on', async () => {
    await using server = await RiemannServer.listen();
    const connection = await open({ host: '127.0.0.1', port: server.port });
    server.refusal = 'no such thing';
    await expect(connection.write(points(0, 1), forever)).rejects.toThrow(
      'Riemann refuses it: no such thing',
    );
    server.refusal = undefined;
    await connection.write(points(1, 2), forever);
    expect(server.events).toHaveLength(1);
    await connection.close();
  });

  test('does not deliver what is not answered', async () => {
    const peer = await TcpPeer.listen('well');
    const aborter = new AbortController();
    const connection = await open({ host: '127.0.0.1', port: peer.port }, aborter.signal);
    const writing = connection.write(points(0, 1), aborter.signal);
    aborter.abort();
    await expect(writing).rejects.toThrow(`127.0.0.1:${peer.port}: given up`);
    await peer.close();
  });

  test('ends where something else than Riemann answers', async () => {
    const peer = await TcpPeer.listen('well');
    const connection = await open({ host: '127.0.0.1', port: peer.port });
    const writing = connection.write(points(0, 1), forever);
    writing.catch(() => undefined);
    await expect.poll(() => peer.received.join('')).not.toBe('');
    peer.say('220 mail.example.net ESMTP\r\n');
    await expect(writing).rejects.toThrow(`127.0.0.1:${peer.port}: it announces`);
    expect(String(await connection.ended)).toContain('it announces');
    await peer.close();
  });

  test('has no TLS over UDP', () => {
    expect(riemann.options.safeParse({ protocol: 'udp', tls: {} }).success).toBe(false);
  });
});

/** Riemann's messages, as far as an agent sends them, in the language of protoc. */
const SCHEMA = `
syntax = "proto2";
message Event {
  optional int64 time = 1; optional string state = 2; optional string service = 3;
  optional string host = 4; optional string description = 5; repeated string tags = 7;
  optional float ttl = 8; repeated Attribute attributes = 9; optional int64 time_micros = 10;
  optional sint64 metric_sint64 = 13; optional double metric_d = 14; optional float metric_f = 15;
}
message Attribute { required string key = 1; optional string value = 2; }
message Msg { optional bool ok = 2; optional string error = 3; repeated Event events = 6; }
`;

describeWithPeer('protoc', 'as protoc reads it', () => {
  test('an event has all its fields', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-protoc-'));
    try {
      writeFileSync(join(folder, 'riemann.proto'), SCHEMA);
      const [point] = points(7, 8, 'a.path');
      if (point === undefined) throw new Error('no point');
      const name = { ...point.name, labels: { device: 'sda', none: '' } };
      const batch = [{ name, value: -1.5, time: 1_700_000_000.25 }];
      const facts = { ttl: 20, tags: ['blue'], service: () => 'disk sda' };
      const [message] = encodeRiemann(batch, facts, 16_384);
      const read = execFileSync('/usr/bin/protoc', ['--decode=Msg', 'riemann.proto'], {
        cwd: folder,
        input: message,
        encoding: 'utf8',
      });
      expect(read).toBe(`events {
  time: 1700000000
  service: "disk sda"
  host: "h"
  tags: "blue"
  ttl: 20
  attributes {
    key: "device"
    value: "sda"
  }
  time_micros: 1700000000250000
  metric_d: -1.5
}
`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
