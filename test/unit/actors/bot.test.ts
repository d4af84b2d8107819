import { describe, expect, test } from 'vitest';
import type { BotStatus } from '../../../src/actors/bot-protocol.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { settle } from '../../support/actor-kit.ts';
import { botBench, CLOSED, OPEN } from '../../support/bot-bench.ts';
import { BOT, GATEWAY, mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import {
  acceptMedia,
  acceptText,
  HOUR_MS,
  placeholderMessage,
  PROVIDER,
  textMessage,
} from '../../support/store-records.ts';
import { TestLink } from '../../support/test-link.ts';

test('a status that is said again is told and logged once', async () => {
  const { bot, events, log } = await botBench();
  const showing: BotStatus = { state: 'pairing', qr: 'first', detail: null };
  for (const status of [OPEN, OPEN, OPEN, showing, showing, { ...showing, qr: 'next' }, OPEN]) {
    await bot.ask('status', status);
  }
  const told = events.flatMap((event) => (event.kind === 'bot' ? [event.qr ?? event.state] : []));
  expect(told).toEqual(['open', 'first', 'next', 'open']);
  expect(log.lines.filter(({ message }) => message === 'bot status')).toHaveLength(4);
});

describe('B1: messages that a bot gets', () => {
  test('reach their chats in order, and the history in id order', async () => {
    const { inbound, ingestion, historyOf } = await botBench();
    const link = new TestLink();
    const texts = Array.from({ length: 30 }, (_, nth) => `${nth}`);
    await Promise.all(
      texts.flatMap((text) => [
        inbound(textFrame('ann', text), link),
        inbound(textFrame('bob', `to bob ${text}`), link),
      ]),
    );
    await ingestion.ask('drain', undefined);
    expect(await historyOf('ann')).toEqual(texts);
    expect(await historyOf('bob')).toEqual(texts.map((text) => `to bob ${text}`));
  });

  test('go to one chat by whichever of its names they come', async () => {
    const { inbound, ingestion, historyOf, store } = await botBench();
    await inbound(textFrame('phone', 'one'));
    await inbound(textFrame('lid', 'two', { alternate_identifiers: ['phone'] }));
    await inbound(textFrame('lid', 'three'));
    await ingestion.ask('drain', undefined);
    expect(await historyOf('phone')).toEqual(['one', 'two', 'three']);
    expect(await store.correspondents(BOT)).toHaveLength(1);
  });

  test('follow a chat that was joined to an older one', async () => {
    const { inbound, ingestion, historyOf } = await botBench();
    await inbound(textFrame('lid', 'one'));
    await inbound(textFrame('phone', 'two', { alternate_identifiers: ['name'] }));
    await inbound(textFrame('lid', 'three', { alternate_identifiers: ['phone'] }));
    await inbound(textFrame('name', 'four'));
    await ingestion.ask('drain', undefined);
    expect(await historyOf('lid')).toEqual(['one', 'three', 'four']);
  });

  test('B2: do not wait for another chat whose write is slow', async () => {
    const { inbound, faults } = await botBench();
    await inbound(textFrame('bob', 'before'));
    faults.hold('accept');
    const slow = inbound(textFrame('ann', 'slow'));
    await settle();
    faults.release('accept');
    const order: string[] = [];
    faults.hold('rehydrate');
    const slower = inbound(textFrame('cat', 'slow')).then(() => order.push('cat'));
    await inbound(textFrame('bob', 'fast')).then(() => order.push('bob'));
    faults.release('rehydrate');
    await Promise.all([slow, slower]);
    expect(order).toEqual(['bob', 'cat']);
  });

  test('close the link when their chat cannot be found, and are refused after that', async () => {
    const { inbound, faults } = await botBench();
    const link = new TestLink();
    faults.fail('resolveCorrespondent', 'before');
    const outcomes = await Promise.allSettled([
      inbound(textFrame('ann', 'one'), link),
      inbound(textFrame('ann', 'two'), link),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(link.failure).toBe('store_unavailable');
  });
});

describe('the chats of a bot', () => {
  test('L2: passivate when they were empty for a while, and come back', async () => {
    const { inbound, ingestion, clock, chatActors, historyOf } = await botBench();
    await inbound(textFrame('ann', 'one'));
    const media = mediaFrame('bob');
    await inbound(media);
    await ingestion.ask('drain', undefined);
    expect(chatActors()).toHaveLength(2);
    for (let half = 0; half < 3; half += 1) {
      clock.advance(30_000);
      await settle();
    }
    // Bob's queue holds a placeholder.
    expect(chatActors()).toHaveLength(1);
    await inbound(textFrame('ann', 'two'));
    await ingestion.ask('drain', undefined);
    expect(await historyOf('ann')).toEqual(['one', 'two']);
  });

  test('L2: passivate too when all that came was a duplicate', async () => {
    const { inbound, ingestion, clock, chatActors } = await botBench();
    const frame = textFrame('ann', 'one');
    await inbound(frame);
    await ingestion.ask('drain', undefined);
    expect(await inbound(frame)).toBe('duplicate');
    for (let half = 0; half < 3; half += 1) {
      clock.advance(30_000);
      await settle();
    }
    expect(chatActors()).toHaveLength(0);
  });

  test('are no more than may live at a time, however many write', async () => {
    const { inbound, ingestion, chatActors, store } = await botBench({ maxLiveChats: 5 });
    for (let nth = 0; nth < 50; nth += 1) {
      await inbound(textFrame(`sender-${nth}`, 'hello'));
      await ingestion.ask('drain', undefined);
    }
    expect(chatActors().length).toBeLessThanOrEqual(5);
    const correspondents = await store.correspondents(BOT);
    expect(correspondents.every(({ nextIngestSeq }) => nextIngestSeq === 2)).toBe(true);
  });

  test('L1: a message that comes while its chat passivates is accepted by the one that follows', async () => {
    const { inbound, ingestion, bot, clock, historyOf } = await botBench({ passivateAfterMs: 0 });
    await inbound(textFrame('ann', 'one'));
    await ingestion.ask('drain', undefined);
    clock.advance(1_000);
    for (let nth = 0; nth < 20; nth += 1) {
      const passivating = bot.ask('passivateIdle', undefined);
      const accepted = inbound(textFrame('ann', `next ${nth}`));
      await Promise.all([passivating, accepted]);
      await ingestion.ask('drain', undefined);
    }
    expect(await historyOf('ann')).toHaveLength(21);
  });

  test('do not passivate while the journal holds something that nobody announced', async () => {
    const { inbound, ingestion, faults, bot, clock, historyOf } = await botBench({ passivateAfterMs: 0 });
    await inbound(textFrame('ann', 'one'));
    await ingestion.ask('drain', undefined);
    faults.fail('accept', 'after');
    faults.fail('rehydrate', 'before', 'before');
    await expect(inbound(textFrame('ann', 'two'))).rejects.toMatchObject({ code: 'store_unavailable' });
    for (let retries = 0; retries < 3; retries += 1) {
      await bot.ask('passivateIdle', undefined);
      await settle();
      clock.advance(1_000);
    }
    await settle();
    expect(await historyOf('ann')).toEqual(['one', 'two']);
  });
});

describe('a bot that settles', () => {
  test('puts the words in, and the history gets them', async () => {
    const { inbound, ingestion, bot, complete, historyOf, store, keyOf, clock } = await botBench();
    bot.tell('status', OPEN);
    await settle();
    const frame = mediaFrame('ann', 'look');
    await inbound(frame);
    await bot.ask('settle', await complete(frame.mediaGuid));
    await ingestion.ask('drain', undefined);
    expect(await historyOf('ann')).toEqual(['[words] look']);
    const [entry] = await store.history(await keyOf('ann'), { afterSeq: 0, limit: 1 });
    const now = clock.now();
    expect(entry?.message.mediaTimes).toEqual({ stagedAt: now, claimedAt: now, completedAt: now });
  });

  test.for(['before', 'after'] as const)(
    'goes on while the store is away (failing %s the write)',
    async (point) => {
      const { inbound, ingestion, bot, complete, historyOf, faults, clock } = await botBench();
      bot.tell('status', OPEN);
      await settle();
      const frame = mediaFrame('ann', 'look');
      await inbound(frame);
      const completion = await complete(frame.mediaGuid);
      faults.fail('settle', point, point);
      const settling = bot.ask('settle', completion);
      for (let step = 0; step < 5; step += 1) {
        await settle();
        clock.advance(1_000);
      }
      await settling;
      await ingestion.ask('drain', undefined);
      expect(await historyOf('ann')).toEqual(['[words] look']);
    },
  );
});

describe('a bot that connects', () => {
  test('promotes jobs that were held, and new ones start active', async () => {
    const { inbound, bot, store, woken } = await botBench();
    const held = mediaFrame('ann');
    await inbound(held);
    expect(await store.jobByGuid(held.mediaGuid)).toMatchObject({ collection: 'holding' });
    bot.tell('status', OPEN);
    await settle();
    expect(await store.jobByGuid(held.mediaGuid)).toMatchObject({ collection: 'active' });
    expect(woken).toContain('every pool');
    const fresh = mediaFrame('ann');
    await inbound(fresh);
    expect(await store.jobByGuid(fresh.mediaGuid)).toMatchObject({ collection: 'active' });
  });

  test('B4: leaves no job behind whose message was on its way when it connected', async () => {
    const { inbound, bot, store, faults } = await botBench();
    const frame = mediaFrame('ann');
    faults.hold('accept');
    const accepting = inbound(frame);
    await settle();
    bot.tell('status', OPEN);
    await settle();
    faults.release('accept');
    await accepting;
    await settle();
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ collection: 'active' });
  });

  test('reaps results that waited, repairs places without a job and puts back places that were lost', async () => {
    const { bot, store, database, complete, ingestion, historyOf, keyOf, clock } = await botBench();
    const key = await keyOf('ann');
    const [waited, orphan, lost] = [1, 2, 3].map((id) =>
      placeholderMessage(id, newGuid(), { content: `${id}` }),
    );
    if (waited === undefined || orphan === undefined || lost === undefined) throw new Error('three');
    await store.accept(acceptMedia(key, waited, { start: { kind: 'downloading' } }));
    await complete(waited.mediaProcessingId);
    for (const placeholder of [orphan, lost]) {
      await store.accept(acceptMedia(key, placeholder, { start: { kind: 'downloading' } }));
    }
    await store.accept(acceptText(key, textMessage(4, { content: 'text' })));
    await store.sweepToHolding(clock.now());
    await store.discardJob(orphan.mediaProcessingId, null, clock.now());
    database.chats.lose(key, lost.id);

    bot.tell('status', OPEN);
    await settle();
    await ingestion.ask('drain', undefined);
    const history = await historyOf('ann');
    expect(history.toSorted()).toEqual(['[Media processing failed] 2', '[words] 1', 'text']);
    expect((await store.rehydrate(key)).messages).toEqual([lost]);
    expect(await store.jobByGuid(lost.mediaProcessingId)).toMatchObject({ collection: 'active' });
  });

  test.for(['chatsWithJournal', 'rehydrate', 'jobsOfBot', 'settle', 'promoteJobs'] as const)(
    'recovers when %s fails at first',
    async (operation) => {
      const { bot, store, complete, ingestion, historyOf, keyOf, clock, faults } = await botBench();
      const key = await keyOf('ann');
      const [waited, rest] = [placeholderMessage(1), placeholderMessage(2)];
      await store.accept(acceptMedia(key, waited, { start: { kind: 'downloading' } }));
      await complete(waited.mediaProcessingId);
      await store.accept(acceptMedia(key, rest));
      await store.sweepToHolding(clock.now());
      faults.fail(operation, 'before', 'after');
      bot.tell('status', OPEN);
      for (let step = 0; step < 6; step += 1) {
        await settle();
        clock.advance(1_000);
      }
      await settle();
      await ingestion.ask('drain', undefined);
      expect(await historyOf('ann')).toEqual(['[words] a caption']);
      expect(await store.jobByGuid(rest.mediaProcessingId)).toMatchObject({
        collection: 'active',
        status: 'pending',
      });
    },
  );

  test('recovers its other chats when one fails for good', async () => {
    const { bot, store, keyOf, clock, log, faults } = await botBench();
    const placeholders = [placeholderMessage(1), placeholderMessage(1)] as const;
    for (const [nth, name] of ['ann', 'bob'].entries()) {
      const placeholder = placeholders[nth] ?? placeholders[0];
      await store.accept(acceptMedia(await keyOf(name), placeholder));
    }
    await store.sweepToHolding(clock.now());
    faults.fail('rehydrate', 'bug');
    bot.tell('status', OPEN);
    await settle();
    expect(await store.jobByGuid(placeholders[1].mediaProcessingId)).toMatchObject({ collection: 'active' });
    expect(log.at('error')).toContain('a chat was left out of the recovery');
  });

  test('recovers on every reconnect, and when it is told that a result may be unheard of', async () => {
    const { bot, inbound, complete, ingestion, historyOf } = await botBench();
    bot.tell('status', OPEN);
    await settle();
    const [one, two] = [mediaFrame('ann', '1'), mediaFrame('ann', '2')];
    await inbound(one);
    await inbound(two);
    await complete(one.mediaGuid);
    bot.tell('linkLost', undefined);
    bot.tell('status', OPEN);
    await settle();
    await ingestion.ask('drain', undefined);
    expect(await historyOf('ann')).toEqual(['[words] 1']);
    await complete(two.mediaGuid);
    bot.tell('reconcile', undefined);
    await settle();
    await ingestion.ask('drain', undefined);
    expect(await historyOf('ann')).toEqual(['[words] 1', '[words] 2']);
  });
});

describe('a bot that is away', () => {
  test('holds its jobs after the grace, and not before; new ones are held from the start', async () => {
    const { bot, inbound, store, clock } = await botBench();
    bot.tell('status', OPEN);
    await settle();
    const frame = mediaFrame('ann');
    await inbound(frame);
    bot.tell('status', CLOSED);
    await settle();
    clock.advance(29_999);
    await settle();
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ collection: 'active' });
    clock.advance(1);
    await settle();
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ collection: 'holding' });
    const later = mediaFrame('ann');
    await inbound(later);
    expect(await store.jobByGuid(later.mediaGuid)).toMatchObject({ collection: 'holding' });
  });

  test('holds nothing when it comes back within the grace', async () => {
    const { bot, inbound, store, clock } = await botBench();
    bot.tell('status', OPEN);
    const frame = mediaFrame('ann');
    await inbound(frame);
    bot.tell('linkLost', undefined);
    await settle();
    clock.advance(10_000);
    bot.tell('status', OPEN);
    await settle();
    clock.advance(60_000);
    await settle();
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ collection: 'active' });
  });

  test.for(['stopped', 'logged_out'] as const)('holds at once when it is %s', async (state) => {
    const { bot, inbound, store, clock } = await botBench();
    bot.tell('status', OPEN);
    await settle();
    const frame = mediaFrame('ann');
    await inbound(frame);
    bot.tell('status', { ...CLOSED, state });
    await settle();
    clock.advance(0);
    await settle();
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ collection: 'holding' });
  });

  test('B4: holds a job whose message was on its way when the grace was over', async () => {
    const { bot, inbound, store, clock, faults } = await botBench();
    bot.tell('status', OPEN);
    await settle();
    const frame = mediaFrame('ann');
    faults.hold('accept');
    const accepting = inbound(frame);
    await settle();
    bot.tell('status', { ...CLOSED, state: 'stopped' });
    await settle();
    clock.advance(0);
    await settle();
    faults.release('accept');
    await accepting;
    await settle();
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ collection: 'holding' });
  });

  test('ingests at its start what an earlier life left ready', async () => {
    const { system, bot, spawnBot, store, keyOf, ingestion, historyOf } = await botBench();
    await system.stopActor(bot);
    await store.accept(acceptText(await keyOf('ann'), textMessage(1, { content: 'left' })));
    await spawnBot();
    await settle();
    await ingestion.ask('drain', undefined);
    expect(await historyOf('ann')).toEqual(['left']);
  });

  test('retires: jobs are held, and nothing of its life is on its way', async () => {
    const { bot, inbound, store, clock, system } = await botBench();
    bot.tell('status', OPEN);
    await settle();
    const frame = mediaFrame('ann');
    await inbound(frame);
    await bot.ask('retire', undefined);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ collection: 'holding' });
    await system.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a bot whose actor restarts', () => {
  test('knows that it is connected, recovers, and keeps accepting', async () => {
    const { bot, inbound, faults, store, ingestion, historyOf, log } = await botBench();
    bot.tell('status', OPEN);
    await settle();
    await inbound(textFrame('ann', 'one'));
    faults.fail('resolveCorrespondent', 'bug');
    await expect(inbound(textFrame('bob', 'lost'))).rejects.toMatchObject({ code: 'actor_failed' });
    await settle();
    expect(log.at('warn')).toContain('actor restarted');
    const frame = mediaFrame('ann');
    await inbound(frame);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ collection: 'active' });
    await inbound(textFrame('ann', 'two'));
    await ingestion.ask('drain', undefined);
    expect(await historyOf('ann')).toEqual(['one', 'two']);
  });
});

test('no line that a bot or its chats log names a person or says what they wrote', async () => {
  const { bot, inbound, faults, log, clock } = await botBench({}, { maxMessages: 1 });
  const number = '4915112345678@s.whatsapp.net';
  const secret = 'a secret text';
  bot.tell('status', OPEN);
  await settle();
  faults.fail('ingest', 'before', 'before', 'after');
  faults.fail('accept', 'after', 'bug');
  for (let nth = 0; nth < 6; nth += 1) {
    await inbound(textFrame(number, secret)).catch(() => undefined);
    clock.advance(1_000);
    await settle();
  }
  const lines = JSON.stringify(log.lines.map(({ fields, message }) => [fields, message]));
  expect(log.lines.length).toBeGreaterThan(5);
  expect(lines).not.toContain('4915112345678');
  expect(lines).not.toContain(secret);
  expect(lines).not.toContain(PROVIDER + number);
});

describe('a chat that is forgotten', () => {
  test('leaves nothing, and whoever writes again gets a new one whose ids go on', async () => {
    const { bot, inbound, store, historyOf, journalOf, keyOf } = await botBench();
    const note = mediaFrame('ann', 'listen');
    await inbound(textFrame('ann', 'once'));
    await inbound(note);
    await inbound(textFrame('bob', 'stays'));
    await settle();
    expect(await historyOf('ann')).toEqual(['once']);
    const old = await keyOf('ann');
    expect(await bot.ask('forget', 'ann')).toEqual({
      messages: 2,
      media: [{ guid: note.mediaGuid, gatewayId: GATEWAY }],
    });
    expect(await bot.ask('forget', 'ann')).toBeNull();
    expect(await store.history(old, { afterSeq: 0, limit: 9 })).toEqual([]);
    expect(await store.jobByGuid(note.mediaGuid)).toBeNull();
    expect(await historyOf('bob')).toEqual(['stays']);

    await inbound(mediaFrame('ann', 'again'));
    expect(await journalOf('ann')).toEqual(['again']);
    expect((await store.rehydrate(await keyOf('ann'))).messages.map(({ id }) => id)).toEqual([3]);
  });

  test('closes the link of a frame that is on its way to it, so that it comes again', async () => {
    const { bot, inbound, faults, journalOf } = await botBench();
    await inbound(mediaFrame('ann', 'old'));
    faults.hold('forgetChat');
    const forgotten = bot.ask('forget', 'ann');
    await settle();
    const link = new TestLink();
    const frame = mediaFrame('ann', 'new');
    const refused = inbound(frame, link).catch((error: unknown) => error);
    await settle();
    faults.release('forgetChat');
    expect(await forgotten).toMatchObject({ messages: 1 });
    expect(await refused).toMatchObject({ code: 'actor_stopped' });
    expect(link.failure).toBe('actor_stopped');
    await settle();
    expect(await inbound(frame)).toBe('accepted');
    expect(await journalOf('ann')).toEqual(['new']);
  });

  test('is not missed by a result that comes late, nor kept alive', async () => {
    const { bot, inbound, complete, clock, chatActors, store } = await botBench({ passivateAfterMs: 2_000 });
    const note = mediaFrame('ann');
    await inbound(note);
    await store.promoteJobs(BOT, clock.now());
    const completion = await complete(note.mediaGuid);
    await bot.ask('forget', 'ann');
    await bot.ask('settle', completion);
    await settle();
    clock.advance(4_000);
    await settle();
    expect(chatActors()).toEqual([]);
  });
});

test('after an outage of three days nothing is evicted that the bot’s recovery brings back', async () => {
  const { bot, clock, store, keyOf, events, historyOf, complete } = await botBench();
  const key = await keyOf('ann');
  const at = { acceptedTime: clock.now(), readyTime: clock.now() };
  const media: string[] = [];
  for (let id = 1; id <= 60; id += 2) {
    await store.accept(acceptText(key, textMessage(id, at)));
    const guid = newGuid();
    media.push(guid);
    const placeholder = placeholderMessage(id + 1, guid, { acceptedTime: clock.now() });
    await store.accept(acceptMedia(key, placeholder, { collection: 'holding' }));
  }
  clock.advance(3 * 24 * HOUR_MS);
  bot.tell('status', OPEN);
  await settle();
  await settle();
  expect(await historyOf('ann')).toHaveLength(30);
  for (const guid of media) await bot.ask('settle', await complete(guid));
  await settle();
  await settle();
  expect(await historyOf('ann')).toHaveLength(60);
  expect(events.filter(({ kind }) => kind === 'evicted')).toEqual([]);
});
