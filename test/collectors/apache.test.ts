import { NoData, ParseError } from 'cullinan/plugin';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import apache, { parse } from '../../collectors/apache.ts';
import { freePort } from '../support/carbon.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, saying, valuesOf } from '../support/probing.ts';
import { WebServer } from '../support/web-server.ts';

/** Of Apache 2.2, with ExtendedStatus. */
const OLD = `Total Accesses: 106
Total kBytes: 210
CPULoad: .0101
Uptime: 1186
ReqPerSec: .0893761
BytesPerSec: 181.315
BytesPerReq: 2028.68
BusyWorkers: 3
IdleWorkers: 7
Scoreboard: _K___W_L__....
`;

/** Whoever answers with one page. */
const page = async (text: string): Promise<string> => {
  const port = await saying((socket) =>
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${text}`)),
  );
  return `http://127.0.0.1:${port}/server-status?auto`;
};

test('reads the page of an old one, and leaves out what it has not', async () => {
  const run = await asked(apache, { servers: { web: { url: await page(OLD) } } });
  expect(run.thrown).toBeUndefined();
  const all = Object.entries(valuesOf(run, 'apache.'));
  const ofBoard = ([key]: readonly [string, number]) => key.startsWith('scoreboard');
  const scoreboard = Object.fromEntries(
    all.filter(ofBoard).map(([key, value]) => [key.slice('scoreboard'.length), value]),
  );
  expect(scoreboard).toEqual({
    ...{ '{web,open}': 4, '{web,waiting}': 7, '{web,keepalive}': 1, '{web,sending}': 1 },
    ...{ '{web,logging}': 1, '{web,starting}': 0, '{web,reading}': 0, '{web,dnslookup}': 0 },
    ...{ '{web,closing}': 0, '{web,finishing}': 0, '{web,idle_cleanup}': 0 },
  });
  expect(Object.fromEntries(all.filter((one) => !ofBoard(one)))).toEqual({
    ...{ 'requests{web}': 106, 'traffic{web}': 210 * 1024 },
    ...{ 'uptime{web}': 1186, 'workers{web,busy}': 3, 'workers{web,idle}': 7 },
  });
});

test('a newer one has what requests took, CPU time and connections as well', async () => {
  const more = ['Total Duration: 1500', 'CPUUser: .25', 'CPUChildrenSystem: 2', 'ConnsTotal: 3'];
  const text = `${OLD}${more.join('\n')}\n`;
  const run = await asked(apache, { servers: { web: { url: await page(text) } } });
  expect(valuesOf(run, 'apache.')).toMatchObject({
    ...{ 'request.time{web}': 1.5, 'cpu.time{web,user}': 0.25 },
    ...{ 'cpu.time{web,children.system}': 2, 'connections{web,total}': 3 },
  });
});

test('another page is not taken for it', async () => {
  const { thrown } = await asked(apache, { servers: { web: { url: await page('<html>') } } });
  expect(thrown).toEqual(
    new ParseError(
      'the page begins "<html>", and is not server-status for programs. Its "url" has to end in "?auto".',
    ),
  );
});

test('whatever is in the page, only numbers come of it', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat({ max: OLD.length }), (noise, at) => {
      try {
        parse(OLD.slice(0, at) + noise + OLD.slice(at));
      } catch (error) {
        expect(error).toBeInstanceOf(ParseError);
      }
    }),
  );
  const odd = OLD.replace('106', 'many').replace('210', '-1').replace('1186', '1e999');
  const run = await asked(apache, { servers: { web: { url: await page(odd) } } });
  expect(Object.keys(valuesOf(run)).filter((key) => !key.includes('scoreboard'))).toEqual([
    ...['apache.workers{web,busy}', 'apache.workers{web,idle}'],
  ]);
});

test('a server that is not there costs another nothing', async () => {
  const gone = { url: `http://127.0.0.1:${await freePort()}/` };
  const run = await asked(apache, { servers: { gone, web: { url: await page(OLD) } } });
  expect(run.observations.length).toBeGreaterThan(10);
  expect(run.errors).toEqual([new NoData(`gone: ${new URL(gone.url).host}: nobody listens`)]);
});

describeWithPeer('apache', 'a real Apache', () => {
  test('counts requests, and knows its workers', async () => {
    const server = await WebServer.apache();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const servers = { web: { url: `http://127.0.0.1:${server.port}/server-status?auto` } };
    const before = valuesOf(await asked(apache, { servers }), 'apache.');
    const run = await asked(apache, { servers });
    expect([run.thrown, run.errors]).toEqual([undefined, []]);
    const after = valuesOf(run, 'apache.');
    expect(after['requests{web}']).toBe((before['requests{web}'] ?? 0) + 1);
    expect(after).toMatchObject({ 'workers{web,busy}': 1, 'scoreboard{web,sending}': 1 });
    for (const key of ['uptime{web}', 'cpu.time{web,user}', 'connections{web,total}']) {
      expect(after).toHaveProperty([key]);
    }
  });
});
