import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DragomanError } from '../../src/base/errors.ts';
import { encodeFrame } from '../../src/protocol/codec.ts';
import { type DurableFrame, WIRE_LIMITS } from '../../src/protocol/frames.ts';
import {
  type FrameVerdict,
  LINK_LIMITS,
  type LinkHandler,
  type LinkLimits,
  type OpenLink,
} from '../../src/system/links/gateway-link.ts';
import { startLinkServer } from '../../src/system/links/link-server.ts';
import { gate } from '../support/actor-kit.ts';
import { GatewaySocket } from '../support/gateway-socket.ts';
import { textFrame } from '../support/inbound-frames.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const TOKEN = 'the token of gateway one';
const GATEWAY = 'one';

/** Keeps what comes, and answers durable frames as the test says. */
class ScriptedHandler implements LinkHandler {
  readonly links: OpenLink[] = [];
  readonly taken: number[] = [];
  answers = 0;
  answer: (frame: DurableFrame) => Promise<FrameVerdict> = async () => ({ kind: 'ack' });
  readonly #opened = Promise.withResolvers<OpenLink>();
  readonly #closed = Promise.withResolvers<void>();
  #takenChanged = Promise.withResolvers<void>();

  /** The first link that said hello. */
  get firstOpened(): Promise<OpenLink> {
    return this.#opened.promise;
  }

  get firstClosed(): Promise<void> {
    return this.#closed.promise;
  }

  opened(link: OpenLink): void {
    this.links.push(link);
    this.#opened.resolve(link);
  }

  closed(): void {
    this.#closed.resolve();
  }

  durable(_link: OpenLink, frame: DurableFrame): Promise<FrameVerdict> {
    this.taken.push(frame.seq);
    this.#takenChanged.resolve();
    this.#takenChanged = Promise.withResolvers();
    return this.answer(frame);
  }

  async untilTaken(count: number): Promise<void> {
    while (this.taken.length < count) await this.#takenChanged.promise;
  }

  status: () => Promise<void> = async () => {};

  answered(): void {
    this.answers += 1;
  }
}

async function startServer(limits: Partial<LinkLimits> = {}, token = TOKEN) {
  const clock = new ManualClock();
  const handler = new ScriptedHandler();
  const log = new RecordingLogger();
  const server = await startLinkServer({
    host: '127.0.0.1',
    port: 0,
    credentials: [{ gatewayId: GATEWAY, token }],
    handler,
    clock,
    log,
    limits: { ...LINK_LIMITS, ...limits },
  });
  const finish = async (): Promise<void> => {
    const closing = server.close();
    clock.advance(10_000);
    await closing;
  };
  onTestFinished(finish);
  const connect = () => GatewaySocket.connect(server.url, TOKEN, GATEWAY);
  return { clock, handler, log, server, connect };
}

/** Counts the states that bots heard of. */
function countStatus(handler: ScriptedHandler) {
  let changed = Promise.withResolvers<void>();
  const heard = {
    count: 0,
    async until(enough: number): Promise<void> {
      while (heard.count < enough) await changed.promise;
    },
  };
  handler.status = async () => {
    heard.count += 1;
    changed.resolve();
    changed = Promise.withResolvers();
  };
  return heard;
}

/** As often as an address may before its minute is over. */
async function guessAtLength(url: string): Promise<void> {
  for (let guess = 0; guess < 20; guess += 1) {
    expect(await GatewaySocket.dial(url, { token: `guess ${guess}` })).toBe(401);
  }
}

const text = (seq: number) => ({ ...textFrame('ann', `text ${seq}`), seq });

describe('dialling in', () => {
  test('with the gateway’s token opens a link', async () => {
    const { handler, connect } = await startServer();
    await connect();
    expect((await handler.firstOpened).gatewayId).toBe(GATEWAY);
  });

  test.for([
    ['a wrong token', 401, { token: 'another' }],
    ['no token', 401, { headers: { authorization: '' } }],
    ['an Origin, as browsers send', 403, { token: TOKEN, headers: { origin: 'https://example.org' } }],
  ] as const)('with %s is refused with %i', async ([, status, options]) => {
    const { server, handler, log } = await startServer();
    expect(await GatewaySocket.dial(server.url, options)).toBe(status);
    expect(handler.links).toEqual([]);
    expect(log.at('warn')).toEqual(['link refused']);
  });

  test('A2: with wrong tokens again and again is refused for a minute, a right one that can be guessed too, and floods no log', async () => {
    const { server, log, clock } = await startServer();
    await guessAtLength(server.url);
    expect(await GatewaySocket.dial(server.url, { token: TOKEN })).toBe(429);
    expect(await GatewaySocket.dial(server.url, { token: 'another' })).toBe(429);
    expect(log.at('warn')).toHaveLength(20);
    clock.advance(60_000);
    expect(await GatewaySocket.dial(server.url, { token: 'another' })).toBe(401);
  });

  test('A2: with a token that nobody guesses opens a link, whatever its neighbours at the same address try', async () => {
    const token = randomBytes(32).toString('hex');
    const { server, handler } = await startServer({}, token);
    await guessAtLength(server.url);
    expect(await GatewaySocket.dial(server.url, { token: `${token.slice(1)}x` })).toBe(429);
    await GatewaySocket.connect(server.url, token, GATEWAY);
    expect((await handler.firstOpened).gatewayId).toBe(GATEWAY);
  });

  test('A3: more often than a gateway does is refused until it dials more slowly', async () => {
    const { server, clock } = await startServer();
    const dial = async (): Promise<unknown> => {
      const link = await GatewaySocket.dial(server.url, { token: TOKEN });
      if (typeof link === 'number') return link;
      link.socket.terminate();
      return 'open';
    };
    for (let nth = 0; nth < 100; nth += 1) expect(await dial()).toBe('open');
    expect(await dial()).toBe(429);
    clock.advance(500);
    expect([await dial(), await dial()]).toEqual(['open', 429]);
  });

  test('somewhere else is refused with 404, a path that is no path too', async () => {
    const { server } = await startServer();
    expect(await GatewaySocket.dial(server.url.replace('/gateway', '/other'), { token: TOKEN })).toBe(404);
    const { port, hostname } = new URL(server.url);
    const socket = connectTcp(Number(port), hostname);
    socket.write(
      'GET // HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('404');
    socket.destroy();
  });

  test('without asking for anything is closed', async () => {
    const { server } = await startServer({ helloDeadlineMs: 50 });
    const { port, hostname } = new URL(server.url);
    const socket = connectTcp(Number(port), hostname).resume();
    await once(socket, 'close');
    expect(socket.destroyed).toBe(true);
  });

  test('at a port that is taken fails with a line that says what to do', async () => {
    const { server, handler, log, clock } = await startServer();
    const port = Number(new URL(server.url).port);
    const second = startLinkServer({ host: '127.0.0.1', port, credentials: [], handler, clock, log });
    await expect(second).rejects.toMatchObject({
      code: 'already_in_use',
      message: expect.stringMatching(/port \d+ on 127.0.0.1 is in use: .*--port/) as string,
    });
  });

  test('on an address that this host does not have fails as configuration', async () => {
    const { handler, log, clock } = await startServer();
    const options = { host: '203.0.113.1', port: 0, credentials: [], handler, clock, log };
    await expect(startLinkServer(options)).rejects.toMatchObject({ code: 'config_invalid' });
  });
});

describe('L1: hello', () => {
  test('must come in time', async () => {
    const { server, clock, handler } = await startServer();
    const link = await GatewaySocket.dial(server.url, { token: TOKEN });
    if (typeof link === 'number') throw new Error('expected a link');
    clock.advance(LINK_LIMITS.helloDeadlineMs);
    expect(await link.closed).toBe(1008);
    expect(handler.links).toEqual([]);
  });

  test('must come first', async () => {
    const { server, handler } = await startServer();
    const link = await GatewaySocket.dial(server.url, { token: TOKEN });
    if (typeof link === 'number') throw new Error('expected a link');
    link.send(text(1));
    expect(await link.next('error')).toMatchObject({ code: 'frame_invalid' });
    expect(await link.closed).toBe(1008);
    expect(handler.taken).toEqual([]);
  });

  test('must be of the gateway that the token belongs to', async () => {
    const { server, handler } = await startServer();
    const link = await GatewaySocket.connect(server.url, TOKEN, 'two');
    expect(await link.next('error')).toMatchObject({ code: 'token_wrong' });
    expect(await link.closed).toBe(1008);
    expect(handler.links).toEqual([]);
  });

  test('of another version is refused, and nothing is said of the frames behind it', async () => {
    const { server, handler } = await startServer();
    const link = await GatewaySocket.dial(server.url, { token: TOKEN });
    if (typeof link === 'number') throw new Error(`refused with ${link}`);
    link.sendText(`{"v":2,"type":"hello","gateway_id":"${GATEWAY}","bots":[]}`);
    link.sendText('{"v":2,"type":"inbound","seq":7}');
    expect(await link.closed).toBe(1008);
    expect(link.frames).toMatchObject([
      { type: 'error', code: 'frame_invalid', reason: expect.stringContaining('expected 1, got 2') },
    ]);
    expect(handler.links).toEqual([]);
  });

  test('a second time is an error that closes nothing', async () => {
    const { connect } = await startServer();
    const link = await connect();
    link.send({ type: 'hello', gateway_id: GATEWAY, bots: [] });
    expect(await link.next('error')).toMatchObject({ code: 'frame_invalid' });
    link.send(text(1));
    expect(await link.next('ack')).toMatchObject({ seq: 1 });
  });
});

describe('L2: a durable frame', () => {
  test('is acked when the handler says so, whatever the order', async () => {
    const { connect, handler } = await startServer();
    const slow = gate();
    handler.answer = async ({ seq }) => {
      if (seq === 1) await slow.passed;
      return { kind: 'ack' };
    };
    const link = await connect();
    for (const seq of [1, 2]) link.send(text(seq));
    expect(await link.next('ack')).toMatchObject({ seq: 2 });
    slow.open();
    await link.until((frames) => frames.length === 2);
    expect(link.ofType('ack').map(({ seq }) => seq)).toEqual([2, 1]);
  });

  test('that can never be accepted is nacked, and one of a stranger’s bot is an error without ack', async () => {
    const { connect, handler } = await startServer();
    handler.answer = async ({ seq }) =>
      seq === 1
        ? { kind: 'nack', code: 'frame_invalid', reason: 'never' }
        : { kind: 'error', code: 'unknown_bot', reason: 'not yours' };
    const link = await connect();
    for (const seq of [1, 2]) link.send(text(seq));
    expect(await link.next('nack')).toMatchObject({ seq: 1, reason: 'never' });
    expect(await link.next('error')).toMatchObject({ code: 'unknown_bot' });
    expect(link.ofType('ack')).toEqual([]);
  });

  test('that fails closes the link, and nothing is acked after it', async () => {
    const { connect, handler } = await startServer();
    const [slow, slower] = [gate(), gate()];
    handler.answer = async ({ seq }) => {
      if (seq === 1) {
        await slow.passed;
        throw new DragomanError('store_unavailable', 'away');
      }
      await slower.passed;
      return { kind: 'ack' };
    };
    const link = await connect();
    for (const seq of [1, 2]) link.send(text(seq));
    await handler.untilTaken(2);
    slow.open();
    const { signal } = await handler.firstOpened;
    await once(signal, 'abort');
    slower.open();
    expect(await link.closed).toBe(1011);
    expect(link.ofType('ack')).toEqual([]);
  });

  test('behind one that failed is not looked at, though it was read', async () => {
    const { connect, handler } = await startServer();
    const link = await connect();
    const { signal } = await handler.firstOpened;
    handler.answer = ({ seq }) => {
      if (seq === 1) handler.links[0]?.fail('a long reason with an ümlaut, '.repeat(20));
      return Promise.resolve({ kind: 'ack' });
    };
    link.socket.send(encodeFrame(text(1)));
    link.socket.send(encodeFrame(text(2)));
    expect(await link.closed).toBe(1011);
    expect(signal.reason).toMatchObject({ code: 'link_closed' });
    expect(handler.taken).toEqual([1]);
    expect(link.frames).toEqual([]);
  });
});

describe('L4: a peer that', () => {
  test('sends what is no frame gets an error, or a nack when the seq can be read', async () => {
    const { connect } = await startServer();
    const link = await connect();
    link.sendText('not json');
    link.sendText('{"v":1,"type":"inbound","seq":7}');
    link.sendText(Buffer.from([1, 2, 3]));
    await link.until((frames) => frames.length === 3);
    expect(link.frames).toMatchObject([
      { type: 'error', code: 'frame_invalid' },
      { type: 'nack', seq: 7, code: 'frame_invalid' },
      { type: 'error', reason: 'expected a text frame' },
    ]);
    link.send(text(8));
    expect(await link.next('ack')).toMatchObject({ seq: 8 });
    // It may be sound in its own version: its gateway must not give it up.
    link.sendText('{"v":2,"type":"inbound","seq":9}');
    await link.until((frames) => frames.length === 5);
    expect(link.frames.at(-1)).toMatchObject({ type: 'error', code: 'frame_invalid' });
  });

  test('has the limits of the contract', () => {
    expect(LINK_LIMITS).toMatchObject({
      helloDeadlineMs: 5_000,
      pingEveryMs: 30_000,
      malformedPerMinute: 10,
    });
    expect(WIRE_LIMITS).toMatchObject({ frameBytes: 262_144, textCharacters: 65_536 });
  });

  test('sends ten of those in a minute is closed', async () => {
    const { connect, clock } = await startServer();
    const link = await connect();
    for (let nth = 1; nth <= 9; nth += 1) link.sendText('nonsense');
    await link.until((frames) => frames.length === 9);
    for (const seq of [1, 2]) {
      clock.advance(30_000);
      link.send(text(seq));
      await link.until(() => link.ofType('ack').length === seq);
    }
    link.sendText('nonsense');
    await link.until(() => link.ofType('error').length === 10);
    expect(link.socket.readyState).toBe(link.socket.OPEN);
    for (let nth = 2; nth <= 10; nth += 1) link.sendText('nonsense');
    expect(await link.closed).toBe(1008);
  });

  test('sends a frame that is too large is closed', async () => {
    const { connect, handler } = await startServer();
    const link = await connect();
    link.sendText('x'.repeat(WIRE_LIMITS.frameBytes + 1));
    expect(await link.closed).toBe(1009);
    await handler.firstClosed;
  });

  test('does not answer pings is closed, one that does is not', async () => {
    const { connect, clock, handler } = await startServer();
    const silent = await connect();
    const { signal } = await handler.firstOpened;
    for (let nth = 0; nth < 3; nth += 1) {
      const pinged = once(silent.socket, 'ping');
      clock.advance(LINK_LIMITS.pingEveryMs);
      await pinged;
      // Its pong has been read when a frame sent after it is answered.
      silent.send(text(nth + 1));
      await silent.until((frames) => frames.length === nth + 1);
    }
    expect(signal.aborted).toBe(false);
    silent.socket.pause();
    clock.advance(LINK_LIMITS.pingEveryMs);
    clock.advance(LINK_LIMITS.pingEveryMs);
    expect(signal.aborted).toBe(true);
    clock.advance(5_000);
    await handler.firstClosed;
  });

  test('was not read for a while is not taken for silent', async () => {
    const { connect, clock, handler } = await startServer({ maxInFlight: 1 });
    const work = gate();
    handler.answer = async () => {
      await work.passed;
      return { kind: 'ack' };
    };
    const link = await connect();
    const { signal } = await handler.firstOpened;
    link.send(text(1));
    await handler.untilTaken(1);
    clock.advance(LINK_LIMITS.pingEveryMs);
    work.open();
    // Then the socket is resumed, and nothing has been read off it yet.
    process.nextTick(() => clock.advance(LINK_LIMITS.pingEveryMs));
    await link.next('ack');
    expect(signal.aborted).toBe(false);
  });

  test('does not read is closed', async () => {
    const { connect, clock, handler } = await startServer({ maxBufferedBytes: 64 * 1024 });
    const link = await connect();
    const open = await handler.firstOpened;
    link.socket.pause();
    const reason = 'x'.repeat(1_000);
    for (let nth = 0; nth < 100_000 && !open.signal.aborted; nth += 1) {
      open.send({ type: 'error', code: 'noise', reason });
    }
    expect(open.signal.reason).toMatchObject({ message: 'the gateway does not read' });
    clock.advance(5_000);
    await handler.firstClosed;
  });

  test('hangs up takes its unacked frames along', async () => {
    const { connect, handler } = await startServer();
    const link = await connect();
    const { signal } = await handler.firstOpened;
    link.socket.close(1000);
    await handler.firstClosed;
    expect(signal.reason).toMatchObject({ code: 'link_closed' });
  });
});

test('L3: with as many frames in hand as may be nothing more is read, until half are answered', async () => {
  const { connect, handler } = await startServer({ maxInFlight: 4 });
  const inHand: PromiseWithResolvers<FrameVerdict>[] = [];
  let most = 0;
  handler.answer = () => {
    const answer = Promise.withResolvers<FrameVerdict>();
    inHand.push(answer);
    most = Math.max(most, inHand.length);
    return answer.promise;
  };
  const link = await connect();
  // Each is nearly a chunk of the socket, so that a pause takes effect between two of them.
  for (let seq = 1; seq <= 40; seq += 1) link.send({ ...textFrame('ann', 'x'.repeat(60_000)), seq });
  await handler.untilTaken(4);
  while (link.ofType('ack').length < 40) {
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    inHand.shift()?.resolve({ kind: 'ack' });
  }
  expect(most).toBeLessThan(8);
  expect(handler.taken).toEqual(Array.from({ length: 40 }, (_, nth) => nth + 1));
});

test('L3: what bots have not heard yet is in hand too', async () => {
  const { connect, handler } = await startServer({ maxInFlight: 4 });
  const unheard: (() => void)[] = [];
  let most = 0;
  handler.status = () => {
    const status = gate();
    unheard.push(status.open);
    most = Math.max(most, unheard.length);
    return status.passed;
  };
  const link = await connect();
  const status = { type: 'bot.status', bot_id: 'main', state: 'open' } as const;
  // A pause takes effect between two chunks of the socket, of which each holds about a hundred.
  for (let n = 1; n <= 1_000; n += 1) link.send({ ...status, detail: 'x'.repeat(500) });
  for (let heard = 0; heard < 1_000;) {
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    heard += unheard.length;
    for (const hear of unheard.splice(0)) hear();
  }
  expect(most).toBeLessThan(300);
});

describe('F2: what changes nothing durable', () => {
  const status = { type: 'bot.status', bot_id: 'main', state: 'open', detail: 'x'.repeat(500) } as const;
  const FLOOD = 2_000;
  const control = { burst: 100, perSecond: 100 };

  test('is read slowly once it is too much; nothing is lost, and what is behind it comes in its turn', async () => {
    const { connect, handler, clock, log } = await startServer({ control });
    const heard = countStatus(handler);
    const link = await connect();
    for (let nth = 0; nth < FLOOD; nth += 1) link.send(status);
    link.send(text(1));
    await heard.until(control.burst);
    const startedAt = clock.now();
    // A pause takes effect between two chunks of the socket, of which each holds about a hundred.
    while (handler.taken.length === 0) {
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      const seconds = (clock.now() - startedAt) / 1_000;
      expect(heard.count).toBeLessThan(control.burst + 300 + seconds * control.perSecond);
      clock.advance(500);
    }
    expect(await link.next('ack')).toMatchObject({ seq: 1 });
    expect(heard.count).toBe(FLOOD);
    expect(log.at('warn')).toEqual(['the gateway says more than it may; it is read more slowly']);
  });

  test('is counted over all links of a gateway, pings too', async () => {
    const { connect, handler, clock } = await startServer({ control });
    const first = await connect();
    for (let nth = 0; nth < 40; nth += 1) {
      first.socket.ping();
      await once(first.socket, 'pong');
    }
    for (let nth = 0; nth < 70; nth += 1) first.send(status);
    first.send(text(1));
    await first.next('ack');
    const second = await connect();
    await expect.poll(() => handler.links.length).toBe(2);
    second.send(text(2));
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(handler.taken).toEqual([1]);
    clock.advance(1_000);
    expect(await second.next('ack')).toMatchObject({ seq: 2 });
  });

  test('costs by its length', async () => {
    const { connect, handler, clock } = await startServer({ control });
    const link = await connect();
    const guids = Array.from({ length: 5_000 }, () => crypto.randomUUID());
    for (let nth = 0; nth < 3; nth += 1) link.send({ type: 'media.held', guids });
    await expect.poll(() => handler.answers).toBe(3);
    link.send(text(1));
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(handler.taken).toEqual([]);
    clock.advance(1_000);
    expect(await link.next('ack')).toMatchObject({ seq: 1 });
  });

  test('does not slow down what is durable', async () => {
    const { connect, handler } = await startServer({ control });
    const link = await connect();
    for (let seq = 1; seq <= FLOOD; seq += 1) link.send(text(seq));
    await link.until(() => link.ofType('ack').length === FLOOD);
    expect(handler.taken).toHaveLength(FLOOD);
  });
});

test('F1: with as many bytes in hand as may be nothing more is read, until half are answered', async () => {
  const { connect, handler } = await startServer({ maxInFlightBytes: 200_000 });
  const work = gate();
  handler.answer = async () => {
    await work.passed;
    return { kind: 'ack' };
  };
  const link = await connect();
  for (let seq = 1; seq <= 40; seq += 1) link.send({ ...textFrame('ann', 'x'.repeat(60_000)), seq });
  await handler.untilTaken(4);
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
  expect(handler.taken.length).toBeLessThan(8);
  work.open();
  await link.until(() => link.ofType('ack').length === 40);
});

describe('a server that drains', () => {
  test('answers what is in hand, takes nothing more, and admits nobody', async () => {
    const { connect, handler, server } = await startServer();
    const slow = gate();
    handler.answer = async () => {
      await slow.passed;
      return { kind: 'ack' };
    };
    const link = await connect();
    link.send(text(1));
    await handler.untilTaken(1);
    const draining = server.drain();
    link.send(text(2));
    expect(await GatewaySocket.dial(server.url, { token: TOKEN })).toBe(503);
    slow.open();
    await draining;
    expect(await link.next('ack')).toMatchObject({ seq: 1 });
    const closing = server.close();
    expect(await link.closed).toBe(1001);
    await closing;
    expect(handler.taken).toEqual([1]);
    await handler.firstClosed;
  });

  test('tells whoever has not said hello yet that it goes away', async () => {
    const { server } = await startServer();
    const link = await GatewaySocket.dial(server.url, { token: TOKEN });
    if (typeof link === 'number') throw new Error(`expected a link, got ${link}`);
    await server.drain();
    expect(await link.closed).toBe(1001);
  });

  test('closes a peer that does not answer, and leaves no timer', async () => {
    const { connect, handler, server, clock } = await startServer();
    const link = await connect();
    await handler.firstOpened;
    link.socket.pause();
    const closing = server.close();
    clock.advance(5_000);
    await closing;
    expect(clock.pendingTimers).toBe(0);
  });
});
