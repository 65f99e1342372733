import { type ZmtpOptions, ZmtpSession, zmtpFrame, zmtpMessage } from 'cullinan/wire/zmtp';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** A session and what it has sent. */
function session(options: ZmtpOptions = { type: 'PUB' }) {
  const sent: Buffer[] = [];
  const it = new ZmtpSession(options, (bytes) => sent.push(bytes));
  return { it, sent };
}

const greeting = ({ mechanism = 'NULL', version = 3 } = {}) => {
  const bytes = Buffer.alloc(64);
  bytes.write('ff00000000000000017f', 'hex');
  bytes[10] = version;
  bytes[11] = 1;
  bytes.write(mechanism, 12);
  return bytes;
};
const command = (name: string, data: string | Buffer = '') =>
  zmtpFrame(Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from(data)]), {
    command: true,
  });
const type = (of: string) =>
  Buffer.from(`\u000bSocket-Type\0\0\0${String.fromCharCode(of.length)}${of}`, 'latin1');
const short = (...texts: string[]) =>
  Buffer.concat(texts.map((text) => Buffer.from(`${String.fromCharCode(text.length)}${text}`)));

/** A session with which hands are shaken. */
function met(options: ZmtpOptions = { type: 'PUB' }, peer = 'SUB') {
  const made = session(options);
  made.it.receive(Buffer.concat([greeting(), command('READY', type(peer))]));
  made.sent.length = 0;
  return made;
}

describe('a frame', () => {
  test('has its length in one byte, or in eight', () => {
    expect(zmtpFrame(Buffer.from('ab')).toString('hex')).toBe('00026162');
    expect(zmtpFrame(Buffer.from('ab'), { command: true }).toString('hex')).toBe('04026162');
    const long = zmtpFrame(Buffer.alloc(256));
    expect(long.subarray(0, 9).toString('hex')).toBe('020000000000000100');
    expect(zmtpFrame(Buffer.alloc(255)).subarray(0, 2).toString('hex')).toBe('00ff');
  });

  test('says that another follows', () => {
    const bytes = zmtpMessage(Buffer.from('a'), Buffer.from('b'), Buffer.from('c'));
    expect(bytes.toString('hex')).toBe('010161' + '010162' + '000163');
  });
});

describe('a session', () => {
  test('greets first, then introduces itself', () => {
    const { it, sent } = session();
    expect(sent[0]?.toString('hex')).toBe(
      `ff00000000000000007f0301${Buffer.from('NULL').toString('hex')}${'00'.repeat(48)}`,
    );
    it.receive(greeting());
    expect(sent[1]?.toString('latin1')).toBe(
      '\u0004\u0026\u0005READY\u000bSocket-Type\0\0\0\u0003PUB\u0008Identity\0\0\0\0',
    );
    expect(it.ready).toBe(false);
    it.receive(command('READY', type('XSUB')));
    expect(it.ready).toBe(true);
  });

  test('takes bytes as they come', () => {
    const { it } = session();
    const bytes = Buffer.concat([
      greeting(),
      command('READY', type('SUB')),
      command('SUBSCRIBE', 'web01'),
    ]);
    for (const byte of bytes) it.receive(Buffer.from([byte]));
    expect(it.wants('web01.load')).toBe(true);
    expect(it.wants('web02.load')).toBe(false);
  });

  test('keeps what is subscribed to, by command or as it was before 3.1, as often as it was', () => {
    const { it } = met();
    expect(it.wants('a')).toBe(false);
    it.receive(command('SUBSCRIBE', 'a'));
    it.receive(zmtpFrame(Buffer.from('\u0001a')));
    it.receive(zmtpFrame(Buffer.from('\u0000a')));
    expect(it.wants('abc')).toBe(true);
    it.receive(command('CANCEL', 'a'));
    it.receive(command('CANCEL', 'never'));
    expect(it.wants('abc')).toBe(false);
    it.receive(command('SUBSCRIBE'));
    expect(it.wants('anything')).toBe(true);
    expect(it.subscriptions).toBe(1);
  });

  test('sends everything to one that pulls', () => {
    expect(met({ type: 'PUSH' }, 'PULL').it.wants('anything')).toBe(true);
  });

  test('answers a ping with what it brought', () => {
    const { it, sent } = met();
    it.receive(command('PING', '\u0000\u000acontext of 16 by..'));
    expect(sent).toEqual([command('PONG', 'context of 16 by')]);
  });

  test('logs in, and is told that it may not', () => {
    const login = { username: 'agent', password: 'secret' };
    const { it, sent } = session({ type: 'PUSH', login });
    it.receive(greeting({ mechanism: 'PLAIN' }));
    expect(sent.at(-1)).toEqual(command('HELLO', short('agent', 'secret')));
    it.receive(command('WELCOME'));
    expect(sent.at(-1)?.toString('latin1')).toContain('\u0008INITIATE\u000bSocket-Type');
    it.receive(command('READY', type('PULL')));
    expect(it.ready).toBe(true);
    const { it: refused } = session({ type: 'PUSH', login });
    refused.receive(greeting({ mechanism: 'PLAIN' }));
    expect(() => refused.receive(command('ERROR', short('400')))).toThrow(
      'it refuses us with "400". Check "username" and "password"',
    );
  });

  test('has others log in, and lets in nobody who has not', () => {
    const login = { username: 'agent', password: 'secret' };
    const server = () => {
      const made = session({ type: 'PUB', login, server: true });
      made.it.receive(greeting({ mechanism: 'PLAIN' }));
      return made;
    };
    const { it, sent } = server();
    expect(sent[0]?.[32]).toBe(1);
    it.receive(command('HELLO', short('agent', 'secret')));
    expect(sent.at(-1)).toEqual(command('WELCOME'));
    it.receive(command('INITIATE', type('SUB')));
    expect(it.ready).toBe(true);
    const wrong = server();
    expect(() => wrong.it.receive(command('HELLO', short('agent', 'wrong')))).toThrow(
      'another name',
    );
    expect(wrong.sent.at(-1)).toEqual(command('ERROR', short('Invalid username or password')));
    for (const early of [command('INITIATE', type('SUB')), command('READY', type('SUB'))]) {
      const { it: stranger } = server();
      expect(() => stranger.receive(early)).toThrow('while it should introduce itself');
      expect(stranger.ready).toBe(false);
    }
  });

  test.each([
    [Buffer.from('220 mail'), 'it does not speak ZeroMQ. Check the port.'],
    [Buffer.from('ff00000000000000010000', 'hex'), 'it does not speak ZeroMQ'],
    [greeting({ version: 1 }), 'it speaks a ZeroMQ from before 4.0'],
    [greeting({ mechanism: 'CURVE' }), 'its security is "CURVE", and ours is "NULL".'],
    [
      Buffer.concat([greeting(), command('READY', type('PULL'))]),
      'its socket is "PULL", and a PUB sends to SUB and XSUB only.',
    ],
    [Buffer.concat([greeting(), command('READY')]), 'its socket is "of no type"'],
    [
      Buffer.concat([greeting(), zmtpFrame(Buffer.from('x'))]),
      'a message before it has said who it is',
    ],
    [
      Buffer.concat([greeting(), Buffer.from('0200000000ffffffff', 'hex')]),
      'it announces 4294967295 bytes',
    ],
    [Buffer.concat([greeting(), Buffer.from('0401ff', 'hex')]), 'one of its commands is cut short'],
  ])('says what is wrong with its peer (%#)', (bytes, said) => {
    const { it } = session();
    expect(() => it.receive(bytes)).toThrow(said);
  });

  test('takes a bounded number of subscriptions', () => {
    const { it } = met();
    const subscribe = () => {
      for (let i = 0; i < 20_000; i += 1) it.receive(command('SUBSCRIBE', `prefix${i}`));
    };
    expect(subscribe).toThrow('it subscribes to more than 10000 prefixes');
    const { it: other } = met();
    const long = () => {
      for (let i = 0; i < 100; i += 1) {
        const topic = zmtpFrame(Buffer.from(`\u0001${i}${'x'.repeat(60_000)}`));
        other.receive(topic);
      }
    };
    expect(long).toThrow('or 1 MiB');
  });
});

test('whatever a peer says, in whatever pieces, it is taken or refused in words', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 });
  const any = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes));
  const names = fc.constantFrom(
    'READY',
    'HELLO',
    'WELCOME',
    'INITIATE',
    'ERROR',
    'PING',
    'SUBSCRIBE',
    'CANCEL',
    '^RROR',
  );
  const piece = fc.oneof(
    any,
    fc.constantFrom(greeting(), greeting({ mechanism: 'PLAIN' }), command('READY', type('SUB'))),
    fc
      .tuple(
        names,
        fc.oneof(
          text,
          text.map((t) => `${String.fromCharCode(t.length)}${t}`),
        ),
      )
      .map(([name, data]) => command(name, data)),
    text.map((body) => zmtpFrame(Buffer.from(body))),
  );
  const options = fc.constantFrom<ZmtpOptions>(
    { type: 'PUB' },
    { type: 'PUSH', login: { username: 'a', password: 'b' } },
    { type: 'PUB', login: { username: 'a', password: 'b' }, server: true },
  );
  fc.assert(
    fc.property(
      options,
      fc.boolean(),
      fc.array(piece, { maxLength: 12 }),
      (given, polite, pieces) => {
        const { it } = session(given);
        const mechanism = given.login === undefined ? 'NULL' : 'PLAIN';
        try {
          if (polite) it.receive(greeting({ mechanism }));
          for (const each of pieces) it.receive(each);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
        if (it.ready) it.wants('a');
      },
    ),
    { numRuns: 2000 },
  );
});
