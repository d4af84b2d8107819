import { describe, expect, test, vi } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { NOT_CONNECTED } from '../../../src/actors/bot-protocol.ts';
import { DEFAULT_POOLS, poolRouter } from '../../../src/jobs/pools.ts';
import type { DurableFrame } from '../../../src/protocol/frames.ts';
import type { QueueLimits } from '../../../src/queue/limits.ts';
import { parseConfig } from '../../../src/system/config.ts';
import { Ingress } from '../../../src/system/ingress.ts';
import type { RunningBot } from '../../../src/system/running-bot.ts';
import { settle } from '../../support/actor-kit.ts';
import { botBench } from '../../support/bot-bench.ts';
import { BOT, GATEWAY, mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import { TestLink } from '../../support/test-link.ts';

const SHA256 = 'a'.repeat(64);

const staged = (guid: string, seq = 9): DurableFrame => ({
  v: 1,
  type: 'media.staged',
  seq,
  guid,
  bytes: 5,
  sha256: SHA256,
  mime_type: 'audio/ogg',
});

const corrupt = (guid: string): DurableFrame => ({
  v: 1,
  type: 'media.corrupt',
  seq: 9,
  guid,
  media_kind: 'audio',
  quota_exceeded: true,
  reason: 'quota',
});

async function bench(limits: Partial<QueueLimits> = {}) {
  const kit = await botBench({}, limits);
  const config = parseConfig({
    bots: [{ id: BOT, gateway: GATEWAY, mediaStorageQuotaGb: 0.5, groups: 'none' }],
    gateways: [{ id: GATEWAY, token: 'x'.repeat(16) }],
  });
  const bots = new Map<string, RunningBot>();
  for (const settings of config.bots) {
    bots.set(settings.id, {
      settings,
      wish: { stopped: false, pairingPhone: null },
      said: { status: NOT_CONNECTED },
      ref: kit.bot,
    });
  }
  const { store, mimeTypeOf } = kit.services;
  const removedBots = new Map<string, string>();
  const ingress = new Ingress({
    store,
    bots,
    removedBots,
    routeToPool: poolRouter(DEFAULT_POOLS),
    mimeTypeOf,
    gatewayCame: () => {},
    clock: kit.clock,
    log: kit.log,
  });
  const link = new TestLink();
  ingress.opened(link, [BOT]);
  link.sent.length = 0;
  return { ...kit, bots, removedBots, ingress, link };
}

const ACK = { kind: 'ack' };

describe('a gateway that connects', () => {
  test('is told which bots to start, with their settings', async () => {
    const { ingress } = await bench();
    const link = new TestLink();
    ingress.opened(link, []);
    expect(link.sent).toEqual([
      {
        type: 'bot.start',
        bot_id: BOT,
        config: { media_storage_quota_gb: 0.5, groups: 'none', backlog_replies: 'held' },
      },
    ]);
  });

  test('is told which bots its operator has stopped, and for which phone one is to be linked', async () => {
    const { ingress, bots } = await bench();
    const bot = bots.get(BOT);
    if (bot === undefined) throw new Error('expected a bot');
    for (const wish of [
      { stopped: true, pairingPhone: null },
      { stopped: false, pairingPhone: '4915550000001' },
    ]) {
      bots.set(BOT, { ...bot, wish });
      const link = new TestLink();
      ingress.opened(link, [BOT]);
      expect(link.sent).toMatchObject([
        wish.stopped
          ? { type: 'bot.stop', bot_id: BOT }
          : { type: 'bot.start', bot_id: BOT, config: { pairing_phone: '4915550000001' } },
      ]);
    }
  });

  test('G3: is told which of its bots are not its own', async () => {
    const { ingress } = await bench();
    const link = new TestLink('another');
    ingress.opened(link, [BOT, 'nobody']);
    expect(link.sent).toMatchObject([
      { type: 'error', code: 'unknown_bot' },
      { type: 'error', code: 'unknown_bot' },
    ]);
  });

  test('forgets a bot that was removed while it was away, and keeps none of its messages for it', async () => {
    const { ingress, removedBots } = await bench();
    removedBots.set('gone', GATEWAY).set('elsewhere', 'another');
    const link = new TestLink();
    ingress.opened(link, ['gone', 'elsewhere']);
    expect(link.sent).toMatchObject([
      { type: 'bot.stop', bot_id: 'gone', forget: true },
      { type: 'error', code: 'unknown_bot', bot_id: 'elsewhere' },
      { type: 'bot.start', bot_id: BOT },
    ]);
    const late = { ...textFrame('ann', 'too late'), bot_id: 'gone' };
    expect(await ingress.durable(link, late)).toMatchObject({ kind: 'nack', code: 'unknown_bot' });
  });

  test('G3: replaces its older link, whose end changes nothing any more', async () => {
    const { ingress, link, events } = await bench();
    const newer = new TestLink();
    void ingress.status(link, { v: 1, type: 'bot.status', bot_id: BOT, state: 'open' });
    ingress.opened(newer, [BOT]);
    expect(link.signal.aborted).toBe(true);
    void ingress.status(newer, { v: 1, type: 'bot.status', bot_id: BOT, state: 'open' });
    ingress.closed(link);
    await settle();
    const states = events.flatMap((event) => (event.kind === 'bot' ? [event.state] : []));
    expect(states).toEqual(['open', 'closed', 'open']);
    ingress.closed(newer);
    await settle();
    expect(events.at(-1)).toMatchObject({ kind: 'bot', state: 'closed' });
  });

  test('has said how its bot is when the bot has heard of it, or is none any more', async () => {
    const { ingress, link, events, system, bot, log } = await bench();
    await ingress.status(link, { v: 1, type: 'bot.status', bot_id: BOT, state: 'open' });
    expect(events).toMatchObject([{ kind: 'bot', state: 'open' }]);
    await system.stopActor(bot, 'now');
    await ingress.status(link, { v: 1, type: 'bot.status', bot_id: BOT, state: 'closed' });
    expect(log.at('warn')).toContain('a bot did not hear its status');
  });

  test('G3: cannot speak of a bot that is not its own', async () => {
    const { ingress, events, store, link } = await bench();
    const stranger = new TestLink('another');
    ingress.opened(stranger, []);
    void ingress.status(stranger, { v: 1, type: 'bot.status', bot_id: BOT, state: 'open' });
    expect(stranger.sent).toMatchObject([{ type: 'error', code: 'unknown_bot' }]);
    expect(await ingress.durable(stranger, textFrame('ann', 'hello'))).toMatchObject({
      kind: 'error',
      code: 'unknown_bot',
    });
    const sent = { v: 1, type: 'send.failed', seq: 1, bot_id: BOT, request_id: 'r', reason: 'x' } as const;
    expect(await ingress.durable(stranger, sent)).toMatchObject({ kind: 'error' });
    expect(await ingress.durable(link, sent)).toEqual(ACK);
    await settle();
    expect(events).toEqual([]);
    expect(await store.correspondents(BOT)).toEqual([]);
  });
});

describe('a frame that changes durable state', () => {
  test('is acked when its message is durable, the second copy too', async () => {
    const { ingress, link, ingestion, historyOf } = await bench();
    const frame = textFrame('ann', 'hello');
    expect(await ingress.durable(link, frame)).toEqual(ACK);
    expect(await ingress.durable(link, frame)).toEqual(ACK);
    await ingestion.ask('drain', undefined);
    expect(await historyOf('ann')).toEqual(['hello']);
  });

  test('is not answered when the write fails, and its link is closed', async () => {
    const { ingress, link, faults } = await bench();
    faults.fail('accept', 'after');
    await expect(ingress.durable(link, textFrame('ann', 'hello'))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(link.failure).toBe('store_unavailable');
  });

  test('G5: is kept by its gateway when it fails for good, and the frames of other chats go on', async () => {
    const { ingress, link, faults, ingestion, historyOf, log } = await bench();
    faults.fail('rehydrate', 'damaged');
    const [broken, fine] = [textFrame('ann', 'hello'), textFrame('bob', 'hello')];
    expect(await ingress.durable(link, broken)).toMatchObject({ kind: 'error', code: 'store_corrupt' });
    expect(link.failure).toBeNull();
    expect(log.at('error')).toEqual(['a frame fails for good']);
    expect(await ingress.durable(link, fine)).toEqual(ACK);
    await ingestion.ask('drain', undefined);
    expect(await historyOf('bob')).toEqual(['hello']);
  });

  test('G5: takes the file along that it announced, until it comes again', async () => {
    const { ingress, link, faults, store } = await bench();
    faults.fail('accept', 'damaged');
    const frame = mediaFrame('ann');
    const parked = { kind: 'error', code: 'store_corrupt' };
    expect(await ingress.durable(link, frame)).toMatchObject(parked);
    expect(await ingress.durable(link, staged(frame.mediaGuid))).toMatchObject(parked);
    expect(link.sent).toEqual([]);
    const newer = new TestLink();
    ingress.opened(newer, [BOT]);
    const again = [ingress.durable(newer, frame), ingress.durable(newer, staged(frame.mediaGuid))];
    expect(await Promise.all(again)).toEqual([ACK, ACK]);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ status: 'pending' });
  });

  test('closes its link when another backend owns the store', async () => {
    const { ingress, link, faults } = await bench();
    faults.fail('accept', 'fenced');
    await expect(ingress.durable(link, textFrame('ann', 'hello'))).rejects.toMatchObject({ code: 'fenced' });
    expect(link.failure).toBe('fenced');
  });

  test('is nacked when it names another message’s GUID', async () => {
    const { ingress, link } = await bench();
    const frame = mediaFrame('ann');
    await ingress.durable(link, frame);
    const thief = mediaFrame('bob', '', { media_processing_id: frame.mediaGuid });
    expect(await ingress.durable(link, thief)).toMatchObject({ kind: 'nack', code: 'frame_invalid' });
    expect(link.failure).toBeNull();
  });
});

describe('G2: a file that is staged', () => {
  test('makes its job claimable and wakes the pool', async () => {
    const { ingress, link, store, woken } = await bench();
    const frame = mediaFrame('ann');
    await ingress.durable(link, frame);
    expect(await ingress.durable(link, staged(frame.mediaGuid))).toEqual(ACK);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({
      status: 'pending',
      pool: 'audio',
      media: { bytes: 5, sha256: SHA256, gatewayId: GATEWAY },
    });
    expect(woken).toContain('audio');
  });

  test('takes effect after its announcement, though both are in flight', async () => {
    const { ingress, link, store, faults } = await bench();
    const frame = mediaFrame('ann');
    faults.hold('accept');
    const announcing = ingress.durable(link, frame);
    const staging = ingress.durable(link, staged(frame.mediaGuid));
    await settle();
    faults.release('accept');
    expect(await Promise.all([announcing, staging])).toEqual([ACK, ACK]);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ status: 'pending' });
    expect(link.sent).toEqual([]);
  });

  test('is not answered when its announcement failed', async () => {
    const { ingress, link, store, faults } = await bench();
    const frame = mediaFrame('ann');
    faults.fail('accept', 'before');
    const outcomes = await Promise.allSettled([
      ingress.durable(link, frame),
      ingress.durable(link, staged(frame.mediaGuid)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(link.sent).toEqual([]);
    expect(await store.jobByGuid(frame.mediaGuid)).toBeNull();
  });

  test('waits for an announcement that came again over a newer link', async () => {
    const { ingress, link, store, faults } = await bench();
    const frame = mediaFrame('ann');
    faults.fail('accept', 'before');
    faults.hold('accept');
    const first = ingress.durable(link, frame).catch(() => 'failed');
    await settle();
    const newer = new TestLink();
    ingress.opened(newer, [BOT]);
    newer.sent.length = 0;
    const again = ingress.durable(newer, frame);
    await settle();
    faults.release('accept');
    faults.hold('accept');
    expect(await first).toBe('failed');
    const staging = ingress.durable(newer, staged(frame.mediaGuid));
    await settle();
    faults.release('accept');
    expect(await Promise.all([again, staging])).toEqual([ACK, ACK]);
    expect(newer.sent).toEqual([]);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ status: 'pending' });
  });

  test('G4: without a live job is acked and released; once its job is there it is not', async () => {
    const { ingress, link } = await bench();
    const guid = newGuid();
    for (const frame of [staged(guid), corrupt(guid)]) {
      expect(await ingress.durable(link, frame)).toEqual(ACK);
    }
    expect(link.sent).toEqual([
      { type: 'media.released', guid },
      { type: 'media.released', guid },
    ]);
    link.sent.length = 0;
    const frame = mediaFrame('ann');
    await ingress.durable(link, frame);
    await ingress.durable(link, frame);
    await ingress.durable(link, staged(frame.mediaGuid));
    await ingress.durable(link, staged(frame.mediaGuid));
    expect(link.sent).toEqual([]);
  });

  test('G4: the file of a second copy is released, that of the first is not', async () => {
    const { ingress, link } = await bench();
    const frame = mediaFrame('ann');
    await ingress.durable(link, frame);
    const { provider_message_id: sameId } = frame.message;
    const copy = mediaFrame('ann', '', { provider_message_id: sameId });
    expect(await ingress.durable(link, copy)).toEqual(ACK);
    expect(link.sent).toEqual([{ type: 'media.released', guid: copy.mediaGuid }]);
  });

  test('G4: of a medium that is one too many is not waited for: its download stops, though the frame comes again', async () => {
    const { ingress, link, store } = await bench({ maxPlaceholders: 1 });
    const [first, second] = [mediaFrame('ann'), mediaFrame('ann')];
    await ingress.durable(link, first);
    expect(link.sent).toEqual([]);
    for (let nth = 0; nth < 2; nth += 1) {
      link.sent.length = 0;
      expect(await ingress.durable(link, second)).toEqual(ACK);
      expect(link.sent).toEqual([{ type: 'media.released', guid: second.mediaGuid }]);
    }
    expect(await store.jobByGuid(second.mediaGuid)).toMatchObject({
      collection: 'failed',
      error: { code: 'too_many_pending' },
    });
  });

  test('G3: by a gateway that did not announce it changes nothing', async () => {
    const { ingress, link, store } = await bench();
    const frame = mediaFrame('ann');
    await ingress.durable(link, frame);
    const stranger = new TestLink('another');
    expect(await ingress.durable(stranger, staged(frame.mediaGuid))).toEqual(ACK);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ status: 'downloading' });
  });

  test('that could not be downloaded goes to the corrupt pool with the reason', async () => {
    const { ingress, link, store } = await bench();
    const frame = mediaFrame('ann');
    await ingress.durable(link, frame);
    await ingress.durable(link, corrupt(frame.mediaGuid));
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({
      status: 'pending',
      pool: 'corrupt',
      mimeType: 'media_corrupt_audio',
      media: { quotaExceeded: true, corruptReason: 'quota' },
    });
  });

  test('is not acked when the write fails; sent again it is, and its pool is woken', async () => {
    const { ingress, link, faults, woken } = await bench();
    const frame = mediaFrame('ann');
    await ingress.durable(link, frame);
    faults.fail('stage', 'after');
    await expect(ingress.durable(link, staged(frame.mediaGuid))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    woken.length = 0;
    expect(await ingress.durable(link, staged(frame.mediaGuid))).toEqual(ACK);
    expect(woken).toEqual(['audio']);
  });
});

describe('G6: a frame that meets a bug again and again', () => {
  test('closes its link twice, then lies while what is behind it goes on', async () => {
    const { ingress, faults, historyOf, clock } = await bench();
    const poison = textFrame('ann', 'poison');
    faults.fail('accept', 'bug', 'bug', 'bug', 'bug');
    for (let nth = 0; nth < 2; nth += 1) {
      const link = new TestLink();
      await expect(ingress.durable(link, poison)).rejects.toMatchObject({ code: 'actor_failed' });
      expect(link.failure).toBe('a bug');
    }
    const link = new TestLink();
    const lying = ingress.durable(link, poison);
    const behind = ingress.durable(link, textFrame('bob', 'behind'));
    expect(await lying).toMatchObject({ kind: 'error', code: 'actor_failed' });
    // The fourth bug is bob's: his frame has tries of its own.
    await expect(behind).rejects.toMatchObject({ code: 'actor_failed' });
    const next = new TestLink();
    expect(await ingress.durable(next, poison)).toMatchObject({ kind: 'error' });
    expect(await ingress.durable(next, textFrame('ann', 'after'))).toEqual(ACK);
    expect(next.failure).toBeNull();
    clock.advance(600_000);
    expect(await ingress.durable(next, poison)).toEqual(ACK);
    await settle();
    expect(await historyOf('ann')).toEqual(['after', 'poison']);
  });

  test('is accepted in its place when the bug has passed', async () => {
    const { ingress, faults, historyOf } = await bench();
    const [first, second] = [textFrame('ann', 'first'), textFrame('ann', 'second')];
    faults.fail('accept', 'bug', 'bug');
    for (let nth = 0; nth < 2; nth += 1) {
      await expect(ingress.durable(new TestLink(), first)).rejects.toMatchObject({ code: 'actor_failed' });
    }
    const link = new TestLink();
    expect(await Promise.all([ingress.durable(link, first), ingress.durable(link, second)])).toEqual([
      ACK,
      ACK,
    ]);
    await settle();
    expect(await historyOf('ann')).toEqual(['first', 'second']);
  });
});

describe('a text for a chat that is named by a phone number', () => {
  test('goes to its address, in the order in which it was asked for', async () => {
    const { ingress, link, services } = await bench();
    const slow = Promise.withResolvers<[]>();
    vi.spyOn(services.store, 'chatsNamed').mockReturnValueOnce(slow.promise);
    void ingress.send({ botId: BOT, to: '+49 151 12345678', text: 'first' });
    void ingress.send({ botId: BOT, to: '4915112345679', text: 'second' });
    await settle();
    slow.resolve([]);
    await settle();
    expect(link.sent).toMatchObject([
      { to: '4915112345678@s.whatsapp.net', text: 'first' },
      { to: '4915112345679@s.whatsapp.net', text: 'second' },
    ]);
  });

  test('goes out to the phone number while the store cannot be read: its gateway takes it for no address otherwise', async () => {
    const { ingress, link, services } = await bench();
    vi.spyOn(services.store, 'chatsNamed').mockRejectedValueOnce(new Error('away'));
    void ingress.send({ botId: BOT, to: '4915112345678', text: 'hello' });
    await settle();
    expect(link.sent).toMatchObject([{ to: '4915112345678@s.whatsapp.net' }]);
  });
});
