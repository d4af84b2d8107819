import path from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { decodeGatewayFrame, encodeFrame } from '../../src/protocol/codec.ts';
import type { DurableFrame, InboundFrame } from '../../src/protocol/frames.ts';
import type { Message } from '../../src/queue/message.ts';
import { DEFAULT_LIMITS } from '../../src/queue/limits.ts';
import { cutText } from '../../src/base/text.ts';
import { openStagingFolders } from '../../src/staging/staging-folders.ts';
import type { Store } from '../../src/store/store.ts';
import { startBackend } from '../../src/system/backend.ts';
import { parseConfig } from '../../src/system/config.ts';
import { gatewayFrames, mutatedTexts, sendable } from '../support/frame-arbitraries.ts';
import { GatewaySocket } from '../support/gateway-socket.ts';
import { BOT, GATEWAY } from '../support/inbound-frames.ts';
import { runs } from '../support/property-runs.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { openStoreAt } from '../support/sqlite-subject.ts';
import { stubPools } from '../support/stub-pools.ts';

const TOKEN = 'a token that nobody guesses';
const BATCH = 40;

/** A frame that the schema accepts, however it was made up, and whether it is about what the backend knows. */
const nonsense = fc.record({
  frame: sendable(mutatedTexts(gatewayFrames))
    .map(durableIn)
    .filter((frame) => frame !== null),
  isKnown: fc.boolean(),
  pick: fc.nat(),
});
type Nonsense = typeof nonsense extends fc.Arbitrary<infer N> ? N : never;

function durableIn(text: string): DurableFrame | null {
  const decoded = decodeGatewayFrame(text);
  return decoded.kind === 'frame' && 'seq' in decoded.frame ? decoded.frame : null;
}

async function backendOnDisk() {
  const folder = await scratchFolder();
  const store = await openStoreAt(path.join(folder, 'dragoman.db'));
  const log = new RecordingLogger();
  const config = parseConfig({
    dataFolder: folder,
    listen: { port: 0 },
    bots: [{ id: BOT, gateway: GATEWAY }],
    gateways: [{ id: GATEWAY, token: TOKEN }],
    pools: stubPools(0),
  });
  const escalations: unknown[] = [];
  const backend = await startBackend({
    config,
    store,
    staging: await openStagingFolders(path.join(folder, 'staging')),
    credentials: [{ gatewayId: GATEWAY, token: TOKEN }],
    clock: systemClock(),
    log,
    onEscalation: (error) => escalations.push(error),
  });
  onTestFinished(async () => {
    await backend.stop();
    await store.close();
  });
  const link = await GatewaySocket.connect(backend.url, TOKEN, GATEWAY);
  await link.next('bot.start');
  link.send({ type: 'bot.status', bot_id: BOT, state: 'open' });
  return { store, link, log, escalations };
}

/** Every message of the bot, by the provider's id. */
async function messagesIn(store: Store): Promise<Map<string, Message[]>> {
  const all: Message[] = [];
  for (const chat of await store.correspondents(BOT)) {
    // In this order nothing is missed that is ingested in between.
    const { messages } = await store.rehydrate(chat);
    const history = (await store.history(chat, { afterSeq: 0, limit: 100_000 })).map(
      ({ message }) => message,
    );
    const byId = new Map([...messages, ...history].map((message) => [message.id, message]));
    expect(new Set(history.map(({ id }) => id)).size).toBe(history.length);
    all.push(...byId.values());
  }
  return Map.groupBy(all, ({ providerMessageId }) => providerMessageId ?? '');
}

const isSaidBy = (message: Message, { message: said }: InboundFrame): boolean =>
  message.sender.identifier === said.sender &&
  message.source === said.source &&
  message.originatingTime === said.originating_time &&
  (message.mediaProcessingId !== null ||
    said.media_processing_id !== undefined ||
    message.content === cutText(said.message, DEFAULT_LIMITS.maxCharactersSingleMessage));

test('whatever a gateway makes up within the contract: each frame is answered, and what is kept was said, whole and once', async () => {
  const { store, link, log, escalations } = await backendOnDisk();
  let seq = 0;
  const taken: InboundFrame[] = [];
  const announced: string[] = [];
  const made = ({ frame, isKnown, pick }: Nonsense): DurableFrame => {
    seq += 1;
    if (!isKnown) return { ...frame, seq };
    if ('bot_id' in frame) return { ...frame, seq, bot_id: BOT };
    return { ...frame, seq, guid: announced[pick % announced.length] ?? frame.guid };
  };
  const play = async (batch: readonly Nonsense[]): Promise<void> => {
    const frames = batch.map(made);
    for (const frame of frames) link.sendText(encodeFrame(frame));
    const answered = new Map<number, string>();
    const last = await Promise.race([
      link.until(() => {
        for (const answer of link.frames.splice(0)) {
          if ('seq' in answer && answer.seq !== undefined) answered.set(answer.seq, answer.type);
        }
        return frames.every((frame) => answered.has(frame.seq));
      }),
      link.closed,
    ]);
    expect(last).toBe(true);
    for (const frame of frames) {
      const isMine = !('bot_id' in frame) || frame.bot_id === BOT;
      const answer = answered.get(frame.seq);
      expect(isMine ? ['ack', 'nack'] : ['error'], JSON.stringify(frame)).toContain(answer);
      if (frame.type !== 'inbound' || answer !== 'ack') continue;
      taken.push(frame);
      const { media_processing_id: guid } = frame.message;
      if (guid !== undefined) announced.push(guid);
    }
  };
  const batches = fc.array(nonsense, { minLength: BATCH, maxLength: BATCH });
  await fc.assert(fc.asyncProperty(batches, play), { numRuns: runs(20), endOnFailure: true });

  const kept = await messagesIn(store);
  const sayings = Map.groupBy(taken, ({ message }) => message.provider_message_id);
  expect(taken.length).toBeGreaterThan(20);
  expect([...sayings.keys()].filter((id) => !kept.has(id))).toEqual([]);
  for (const [id, messages] of kept) {
    const said = sayings.get(id) ?? [];
    expect(messages.length).toBeLessThanOrEqual(said.length);
    for (const message of messages) {
      expect(
        said.some((frame) => isSaidBy(message, frame)),
        JSON.stringify(message),
      ).toBe(true);
    }
  }
  expect(escalations).toEqual([]);
  expect(log.at('error')).toEqual([]);
});
