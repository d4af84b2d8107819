import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Clock } from '../../src/base/clock.ts';
import { isBotId, isGuid } from '../../src/base/ids.ts';
import { silentLogger } from '../../src/base/log.ts';
import { BackendLink } from '../../src/gateway/link.ts';
import { LINK_TIMING } from '../../src/gateway/link-connection.ts';
import {
  type Decoded,
  decodeBackendFrame,
  decodeGatewayFrame,
  encodeFrame,
} from '../../src/protocol/codec.ts';
import type { BackendFrame, GatewayFrame } from '../../src/protocol/frames.ts';
import { LINK_LIMITS } from '../../src/system/links/gateway-link.ts';
import { type LinkServer, startLinkServer } from '../../src/system/links/link-server.ts';
import { backendFrames, gatewayFrames, mutatedTexts, sendable } from '../support/frame-arbitraries.ts';
import { gatewayBench } from '../support/gateway-bench.ts';
import { usedHeapBytes } from '../support/heap.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { runs } from '../support/property-runs.ts';
import { ScriptedBackend } from '../support/scripted-backend.ts';

const MIB = 2 ** 20;
const BATCH = 50;

/** The bounds of the wire, said once more and apart from the schema: `SPEC` 2. */
function expectWithinBounds(value: unknown, key: string): void {
  if (typeof value === 'string') {
    expect(value.length).toBeLessThanOrEqual(/^(text|message)$/.test(key) ? 64 * 1024 : 4_096);
    if (key === 'bot_id' || key === 'bots') expect(isBotId(value)).toBe(true);
    if (key === 'guid' || key === 'guids' || key === 'media_processing_id') expect(isGuid(value)).toBe(true);
    if (/(_id|provider_name|sender|identifiers|mentions|mime_type)$/.test(key)) expect(value).not.toBe('');
  } else if (typeof value === 'number') {
    expect(value).toBeGreaterThanOrEqual(key === 'seq' ? 1 : 0);
    expect(key === 'media_storage_quota_gb' ? Number.isFinite(value) : Number.isSafeInteger(value)).toBe(
      true,
    );
  } else if (Array.isArray(value)) {
    expect(value.length).toBeLessThanOrEqual(key === 'guids' ? 5_000 : 1_000);
    for (const item of value) expectWithinBounds(item, key);
  } else if (typeof value === 'object') {
    for (const [name, field] of Object.entries(value ?? {})) expectWithinBounds(field, name);
  } else {
    expect(typeof value).toBe('boolean');
  }
}

const SIDES = [
  ['gateway', gatewayFrames, decodeGatewayFrame],
  ['backend', backendFrames, decodeBackendFrame],
] as const;

describe.each(SIDES)('the codec of %s frames', (_side, frames, decode) => {
  const decodeAny: (raw: string) => Decoded<GatewayFrame | BackendFrame> = decode;

  test('every frame that the contract allows is accepted as it is', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeAny(encodeFrame(frame))).toEqual({ kind: 'frame', frame: { v: 1, ...frame } });
      }),
      { numRuns: runs(400) },
    );
  });

  test('whatever comes, it answers; what it accepts is within the bounds and encodes to an equal frame', () => {
    fc.assert(
      fc.property(mutatedTexts(frames), (raw) => {
        const decoded = decodeAny(raw);
        if (decoded.kind === 'malformed') {
          expect(decoded.reason.length).toBeLessThanOrEqual(1_024);
          return;
        }
        expectWithinBounds(decoded.frame, '');
        const encoded = encodeFrame(decoded.frame);
        expect(Buffer.byteLength(encoded)).toBeLessThanOrEqual(256 * 1024);
        expect(JSON.stringify(decodeAny(encoded))).toBe(JSON.stringify(decoded));
      }),
      { numRuns: runs(1_000) },
    );
  });

  test('a frame is judged by its bytes, not by its characters', () => {
    const reason = decodeAny(JSON.stringify({ v: 1, type: 'ack', seq: 7, more: '語'.repeat(100_000) }));
    expect(reason).toMatchObject({ kind: 'malformed', reason: expect.stringContaining('bytes') });
  });
});

interface FuzzedBackend {
  readonly server: LinkServer;
  /** What the rest of the backend got to see, in order. */
  readonly seen: GatewayFrame[];
}

async function startBackendEnd(malformedPerMinute: number): Promise<FuzzedBackend> {
  const seen: GatewayFrame[] = [];
  const server = await startLinkServer({
    host: '127.0.0.1',
    port: 0,
    credentials: [{ gatewayId: 'north', token: 'the right token' }],
    clock: new ManualClock(),
    log: silentLogger,
    limits: { ...LINK_LIMITS, malformedPerMinute, control: { burst: Infinity, perSecond: 1 } },
    handler: {
      opened: () => {},
      closed: () => {},
      durable: async (_link, frame) => {
        seen.push(frame);
        return { kind: 'ack' };
      },
      status: async (_link, frame) => void seen.push(frame),
      answered: (_link, frame) => seen.push(frame),
    },
  });
  onTestFinished(() => server.close());
  return { server, seen };
}

/** A gateway that said hello, and counts the answers. */
async function dial(server: LinkServer) {
  const socket = new WebSocket(server.url, { headers: { authorization: 'Bearer the right token' } });
  onTestFinished(() => socket.terminate());
  const answers: BackendFrame[] = [];
  const closed = Promise.withResolvers<number>();
  let enough = { count: 0, reached: () => {} };
  socket.on('message', (data) => {
    const decoded = decodeBackendFrame(Buffer.isBuffer(data) ? data.toString() : '');
    if (decoded.kind === 'malformed') throw new Error(decoded.reason);
    answers.push(decoded.frame);
    if (answers.length >= enough.count) enough.reached();
  });
  socket.on('close', (code) => closed.resolve(code));
  await new Promise<void>((resolve) => socket.once('open', resolve));
  socket.send(encodeFrame({ type: 'hello', gateway_id: 'north', bots: [] }));
  return {
    socket,
    closed: closed.promise,
    async answersTo(texts: readonly (string | Buffer)[], count: number): Promise<readonly BackendFrame[]> {
      answers.length = 0;
      const reached = new Promise<void>((resolve) => (enough = { count, reached: resolve }));
      for (const text of texts) socket.send(text);
      expect(await Promise.race([reached, closed.promise])).toBeUndefined();
      return [...answers];
    },
  };
}

/** Sorted out as the contract wants it, for comparison with what a link did. */
function expectedOf(texts: readonly string[]) {
  const decoded = texts.map(decodeGatewayFrame);
  const frames = decoded.flatMap((one) => (one.kind === 'frame' ? [one.frame] : []));
  return {
    seen: frames.filter(({ type }) => type !== 'hello'),
    answered: decoded.filter(
      (one) => one.kind === 'malformed' || one.frame.type === 'hello' || 'seq' in one.frame,
    ).length,
    acks: frames.filter((frame) => 'seq' in frame).length,
  };
}

describe('the backend’s end of the link', () => {
  test('every frame reaches the backend once and in order, everything else is refused, and memory stays', async () => {
    const { server, seen } = await startBackendEnd(Infinity);
    const { answersTo } = await dial(server);
    const marker = encodeFrame({
      type: 'media.staged',
      seq: 1,
      guid: crypto.randomUUID(),
      bytes: 1,
      sha256: '0'.repeat(64),
      mime_type: 'x',
    });
    const before = usedHeapBytes();
    await fc.assert(
      fc.asyncProperty(
        fc.array(sendable(mutatedTexts(gatewayFrames)), { minLength: BATCH, maxLength: BATCH }),
        async (texts) => {
          seen.length = 0;
          const expected = expectedOf([...texts, marker]);
          const answers = await answersTo([...texts, marker], expected.answered);
          expect(seen).toEqual(expected.seen);
          expect(answers.filter(({ type }) => type === 'ack')).toHaveLength(expected.acks);
          expect(answers).toHaveLength(expected.answered);
        },
      ),
      { numRuns: runs(40) },
    );
    seen.length = 0;
    expect(usedHeapBytes() - before).toBeLessThan(24 * MIB);
  });

  test.each([
    ['ten malformed frames in a minute', () => Array.from({ length: 10 }, () => '{'), 1008],
    ['binary frames', () => Array.from({ length: 10 }, () => Buffer.from([1, 2, 3])), 1008],
    ['a frame above the limit', () => ['x'.repeat(256 * 1024 + 1)], 1009],
  ])('%s close the link, and the next one is served', async (_what, frames, code) => {
    const { server, seen } = await startBackendEnd(LINK_LIMITS.malformedPerMinute);
    const { socket, closed } = await dial(server);
    for (const frame of frames()) socket.send(frame);
    expect(await closed).toBe(code);
    const next = await dial(server);
    await next.answersTo(
      [
        encodeFrame({
          type: 'sent',
          seq: 1,
          bot_id: 'bot',
          request_id: 'r',
          provider_message_id: 'p',
          originating_time: 1,
        }),
      ],
      1,
    );
    expect(seen).toHaveLength(1);
  });

  test('bytes that are no WebSocket close the link, and the next one is served', async () => {
    const { server } = await startBackendEnd(Infinity);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        const { socket, closed } = await dial(server);
        // The peer waits for more if these bytes begin a frame.
        rawSocketOf(socket).write(bytes);
        rawSocketOf(socket).end();
        await closed;
      }),
      { numRuns: runs(30) },
    );
    const { answersTo } = await dial(server);
    expect(await answersTo(['{'], 1)).toMatchObject([{ type: 'error' }]);
  });
});

/** The TCP connection beneath; ws keeps it to itself. */
function rawSocketOf(socket: WebSocket): { write(bytes: Uint8Array): void; end(): void } {
  return Reflect.get(socket, '_socket');
}

/** A minute passes with every look: what is bounded per minute never adds up. */
function hastyClock(): Clock {
  const clock = new ManualClock();
  let now = clock.now();
  return { now: () => (now += 60_000), schedule: (delayMs, task) => clock.schedule(delayMs, task) };
}

describe('the gateway’s end of the link', () => {
  test('every frame reaches the gateway once and in order, nothing else does, and memory stays', async () => {
    const backend = await ScriptedBackend.start();
    onTestFinished(() => backend.close());
    const heard: BackendFrame[] = [];
    let enough = { count: 0, reached: () => {} };
    const link = new BackendLink(
      {
        urls: [backend.url],
        token: backend.token,
        clock: hastyClock(),
        log: silentLogger,
        random: () => 1,
        timing: LINK_TIMING,
      },
      {
        frames: { after: () => [] },
        greeting: () => [{ type: 'hello', gateway_id: 'north', bots: [] }],
        acknowledged: () => expect.unreachable('nothing is in flight'),
        received: (frame) => {
          heard.push(frame);
          if (heard.length >= enough.count) enough.reached();
        },
      },
    );
    link.start();
    onTestFinished(() => link.stop(AbortSignal.abort()));
    await backend.untilFrames('hello');
    const marker = encodeFrame({ type: 'media.holds', guids: [] });
    const before = usedHeapBytes();
    await fc.assert(
      fc.asyncProperty(
        fc.array(sendable(mutatedTexts(backendFrames)), { minLength: BATCH, maxLength: BATCH }),
        async (texts) => {
          const expected = [...texts, marker].flatMap((text) => {
            const decoded = decodeBackendFrame(text);
            const isHeard = decoded.kind === 'frame' && !('seq' in decoded.frame);
            return isHeard ? [decoded.frame] : [];
          });
          heard.length = 0;
          const reached = new Promise<void>(
            (resolve) => (enough = { count: expected.length, reached: resolve }),
          );
          for (const text of [...texts, marker]) backend.sendText(text);
          await reached;
          expect(heard).toEqual(expected);
        },
      ),
      { numRuns: runs(40) },
    );
    heard.length = 0;
    expect(backend.links).toHaveLength(1);
    expect(usedHeapBytes() - before).toBeLessThan(24 * MIB);
  });

  test('a whole gateway survives whatever its backend says, and goes on with its work', async () => {
    const bench = await gatewayBench();
    const gateway = await bench.start({ clock: hastyClock() });
    await bench.backend.untilFrames('hello');
    let rounds = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(sendable(mutatedTexts(backendFrames)), { minLength: 20, maxLength: 20 }),
        async (texts) => {
          rounds += 1;
          for (const text of texts) bench.backend.sendText(text);
          bench.backend.send({ type: 'media.holds', guids: [] });
          await bench.backend.until(() => bench.backend.ofType('media.held').length >= rounds);
        },
      ),
      { numRuns: runs(8) },
    );
    expect(bench.backend.links).toHaveLength(1);
    expect(gateway.snapshot().connected).toBe(true);
  });
});
