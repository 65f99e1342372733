import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { AccessDenied, Foreseen, NoData, ParseError } from 'cullinan/plugin';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import ntpd, { numberOf } from '../../collectors/ntpd.ts';
import { Ntpd } from '../support/ntpd.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, valuesOf } from '../support/probing.ts';

/** In the words of NTPsec 1.2.2 of Debian 12: ntpd, a server that is away, and one that is not. */
const SYSTEM = `leap=0, stratum=3, precision=-24, rootdelay=12.345, rootdisp=0.075,\r
refid=192.0.2.8, reftime=0xeeac2d00.00000000, tc=6, peer=17768, offset=-0.250000,\r
frequency=-12.500000, sys_jitter=0.500000, clk_jitter=0.062500,\r
clock=0xeeac2dac.01309d92, processor="x86_64",\r
system="Linux/6.18.44-fc-v769", version="ntpd ntpsec-1.2.2",\r
clk_wander=0.001000, mintc=0\r\n`;
const AWAY = `srcadr=192.0.2.7, srcport=123, dstadr=0.0.0.0, dstport=0, leap=3,\r
hmode=3, stratum=16, ppoll=99, hpoll=6, precision=-24, rootdelay=0.000,\r
rootdisp=0.000, refid=INIT, reach=0x0, unreach=1, delay=0.000000, offset=0.000000,\r
jitter=0.000060, dispersion=15937.500000, keyid=0,\r\n`;
const THERE = `srcadr=192.0.2.8, srcport=123, leap=0, hmode=3, stratum=2, ppoll=6, hpoll=6,\r
reach=0x17, unreach=0, delay=8.000000, offset=-0.250000, jitter=0.125000,\r
dispersion=4.000000, srchost="time.example.net", ntscookies=-1\r\n`;

interface Answers {
  readonly list: string;
  readonly variables: Readonly<Record<number, string>>;
  readonly error?: number;
}

/** A port of UDP at which an ntpd answers so, in pieces. */
async function answering({ list, variables, error = 0 }: Answers): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  socket.on('message', (question, { port }) => {
    const body =
      question[1] === 1
        ? Buffer.from(list, 'hex')
        : Buffer.from(variables[question.readUInt16BE(6)] ?? '', 'latin1');
    for (let at = 0; at === 0 || at < body.length; at += 100) {
      const bytes = body.subarray(at, at + 100);
      const head = Buffer.from(question.subarray(0, 12));
      head[1] =
        (question[1] ?? 0) | 0x80 | (error ? 0x40 : 0) | (at + 100 < body.length ? 0x20 : 0);
      head[4] = error;
      head.writeUInt16BE(at, 8);
      head.writeUInt16BE(bytes.length, 10);
      socket.send(Buffer.concat([head, bytes]), port, '127.0.0.1');
    }
  });
  return socket.address().port;
}

describe('ntpd', () => {
  test('says how far the clock is off, and what its sources say', async () => {
    // The last is the first once more, as a pool may have it.
    const variables = { 0: SYSTEM, 17767: AWAY, 17768: THERE, 17769: THERE };
    const port = await answering({ list: '456896144567801145698011', variables });
    const run = await asked(ntpd, { port });
    expect([run.thrown, run.errors]).toEqual([undefined, []]);
    expect(valuesOf(run, 'ntpd.')).toEqual({
      ...{ 'synchronized{}': 1, 'stratum{}': 3, 'offset{}': -0.00025, 'jitter{}': 0.0005 },
      ...{ 'clock.jitter{}': 6.25e-5, 'frequency{}': -12.5e-6, 'clock.wander{}': 1e-9 },
      ...{ 'root.delay{}': 0.012345, 'root.dispersion{}': 0.000075, 'sources{}': 3 },
      ...{ 'source.selected{192.0.2.8}': 1, 'source.usable{192.0.2.8}': 1 },
      ...{ 'source.reached{192.0.2.8}': 4, 'source.poll{192.0.2.8}': 64 },
      ...{ 'source.stratum{192.0.2.8}': 2, 'source.offset{192.0.2.8}': -0.00025 },
      ...{ 'source.delay{192.0.2.8}': 0.008, 'source.jitter{192.0.2.8}': 0.000125 },
      'source.dispersion{192.0.2.8}': 0.004,
      ...{ 'source.selected{192.0.2.7}': 0, 'source.usable{192.0.2.7}': 0 },
      ...{ 'source.reached{192.0.2.7}': 0, 'source.poll{192.0.2.7}': 64 },
    });
  });

  test('of sources without end the first hundred are asked, and all counted', async () => {
    const ids = Array.from({ length: 150 }, (_, i) => i + 1);
    const list = ids.map((id) => `${id.toString(16).padStart(4, '0')}8011`).join('');
    const variables = Object.fromEntries(
      ids.map((id) => [id, AWAY.replace('192.0.2.7', `192.0.2.${id}`)]),
    );
    const port = await answering({ list, variables: { ...variables, 0: SYSTEM } });
    const run = await asked(ntpd, { port });
    expect(valuesOf(run, 'ntpd.sources')).toEqual({ '{}': 150 });
    expect(Object.keys(valuesOf(run, 'ntpd.source.reached'))).toHaveLength(100);
  });

  test('a clock that is not synchronized has no stratum', async () => {
    const variables = { 0: SYSTEM.replace('leap=0, stratum=3', 'leap=3, stratum=16') };
    const port = await answering({ list: '', variables });
    const values = valuesOf(await asked(ntpd, { port }), 'ntpd.');
    expect(values).toMatchObject({ 'synchronized{}': 0, 'sources{}': 0 });
    expect(values).not.toHaveProperty('stratum{}');
  });

  test('refuses, is none, or is not there', async () => {
    const refusing = await answering({ list: '', variables: {}, error: 7 });
    expect((await asked(ntpd, { port: refusing })).thrown).toBeInstanceOf(AccessDenied);
    const ignorant = await answering({ list: '', variables: {}, error: 3 });
    expect((await asked(ntpd, { port: ignorant })).thrown).toEqual(
      new Foreseen(`127.0.0.1:${ignorant}: it does not know the operation`),
    );
    const empty = await answering({ list: '', variables: { 0: 'nothing of the kind' } });
    expect((await asked(ntpd, { port: empty })).thrown).toEqual(
      new ParseError(`127.0.0.1:${empty}: it has no leap and stratum. Is this ntpd?`),
    );
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    expect((await asked(ntpd, { port })).thrown).toBeInstanceOf(NoData);
  });

  test.each([
    ['0x17', 23],
    ['-0.25', -0.25],
    ['1e9', undefined],
    ['', undefined],
    ['INIT', undefined],
  ])('the number %j is %j', (text, number) => {
    expect(numberOf(new Map([['n', text]]), 'n')).toBe(number);
  });
});

describeWithPeer(['ntpsec', 'chrony'], 'a real ntpd, which follows a real chronyd', () => {
  let server: Ntpd;
  beforeAll(async () => {
    server = await Ntpd.start();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const values = async () => valuesOf(await asked(ntpd, { host: server.address }), 'ntpd.');

  test('is not synchronized before its source has answered, and says so', async () => {
    const absent = `source.reached{${server.absent}}`;
    expect(await values()).toMatchObject({ 'synchronized{}': 0, 'sources{}': 2, [absent]: 0 });
  });

  test('says what ntpq says of it, once it follows its source', async () => {
    const label = `{${server.source}}`;
    await vi.waitFor(async () => expect((await values())['synchronized{}']).toBe(1), {
      timeout: 25_000,
      interval: 200,
    });
    // Between two answers of its source nothing changes; an answer while both ask makes another attempt.
    await vi.waitFor(
      async () => {
        const [ours, rv, peers] = [await values(), await server.variables(), await server.peers()];
        const seconds = (name: string) => Number(rv.get(name)) / 1000;
        expect(ours['stratum{}']).toBe(Number(rv.get('stratum')));
        expect(ours['root.delay{}']).toBeCloseTo(seconds('rootdelay'), 6);
        expect(ours['offset{}']).toBeCloseTo(seconds('offset'), 6);
        expect(ours['jitter{}']).toBeCloseTo(seconds('sys_jitter'), 6);
        expect(ours['clock.jitter{}']).toBeCloseTo(seconds('clk_jitter'), 6);
        expect(ours['frequency{}']).toBeCloseTo(Number(rv.get('frequency')) / 1e6, 9);
        const peer = peers.get(server.source) ?? {};
        expect(ours).toMatchObject({
          ...{ [`source.selected${label}`]: 1, [`source.usable${label}`]: 1 },
          [`source.stratum${label}`]: peer['st'],
          [`source.poll${label}`]: peer['poll'],
        });
        expect(ours[`source.delay${label}`]).toBeCloseTo((peer['delay'] ?? 0) / 1000, 6);
        expect(ours[`source.offset${label}`]).toBeCloseTo((peer['offset'] ?? 0) / 1000, 6);
        expect(ours[`source.jitter${label}`]).toBeCloseTo((peer['jitter'] ?? 0) / 1000, 6);
        const bits = [...Number.parseInt(`${peer['reach']}`, 8).toString(2)];
        expect(ours[`source.reached${label}`]).toBe(bits.filter((bit) => bit === '1').length);
      },
      { timeout: 10_000, interval: 200 },
    );
    // chronyd says that it has its time from itself, at stratum 5.
    expect(await values()).toMatchObject({ 'stratum{}': 6, [`source.stratum${label}`]: 5 });
    expect(await values()).not.toHaveProperty([`source.offset{${server.absent}}`]);
  });
});
