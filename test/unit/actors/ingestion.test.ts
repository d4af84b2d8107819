import { describe, expect, test } from 'vitest';
import type { Chat, ChatProtocol, IngestReport } from '../../../src/actors/chat-protocol.ts';
import { ingestionActor } from '../../../src/actors/ingestion.ts';
import { DragomanError } from '../../../src/base/errors.ts';
import { actorOf, gate, settle, startActors } from '../../support/actor-kit.ts';

const DONE: IngestReport = { kind: 'ingested', more: false };
const MORE: IngestReport = { kind: 'ingested', more: true };
const away = new DragomanError('store_unavailable', 'away');

const unused = () => Promise.reject(new Error('not asked for'));

/** A chat that answers `ingest` as the test scripts it, then that it is empty. */
async function bench() {
  const kit = await startActors();
  const ingestion = await kit.system.spawn(ingestionActor, 'ingestion', { announceAgain: () => {} });
  const spawnChat = async (name: string, answer: () => Promise<IngestReport>) => {
    const asked: number[] = [];
    const chat: Chat = await kit.system.spawn(
      actorOf<ChatProtocol>({
        handlers: {
          accept: unused,
          settle: unused,
          inject: unused,
          retry: unused,
          wake: unused,
          tick: unused,
          forget: unused,
          catchUp: () => {},
          ingest: () => {
            asked.push(kit.clock.now());
            return answer();
          },
        },
      }),
      name,
      undefined,
    );
    return { chat, asked };
  };
  const scripted = (name: string, ...answers: (IngestReport | DragomanError)[]) =>
    spawnChat(name, async () => {
      const next = answers.shift() ?? { kind: 'empty' };
      if (next instanceof DragomanError) throw next;
      return next;
    });
  return { ...kit, ingestion, spawnChat, scripted };
}

describe('ingestion', () => {
  test('I1: asks an announced chat until it has nothing ready', async () => {
    const { ingestion, scripted } = await bench();
    const { chat, asked } = await scripted('ann', MORE, MORE, DONE);
    ingestion.tell('ready', chat);
    await ingestion.ask('drain', undefined);
    expect(asked).toHaveLength(3);
  });

  test('I3: a chat announced while it is being asked is asked once more, and only once', async () => {
    const { ingestion, spawnChat } = await bench();
    const first = gate();
    const { chat, asked } = await spawnChat('ann', async () => {
      if (asked.length === 1) await first.passed;
      return DONE;
    });
    for (let times = 0; times < 4; times += 1) {
      ingestion.tell('ready', chat);
      await settle();
    }
    first.open();
    await ingestion.ask('drain', undefined);
    expect(asked).toHaveLength(2);
  });

  test('I2: a chat that fails is asked again, later and later, and announcing it does not hurry it', async () => {
    const { ingestion, scripted, clock } = await bench();
    const { chat, asked } = await scripted('ann', ...Array.from({ length: 7 }, () => away), DONE);
    const startedAt = clock.now();
    ingestion.tell('ready', chat);
    await settle();
    for (let step = 0; step < 200 && asked.length < 8; step += 1) {
      ingestion.tell('ready', chat);
      clock.advance(100);
      await settle();
    }
    const pauses = asked.map((at, nth) => at - (asked[nth - 1] ?? startedAt));
    expect(pauses.slice(0, 8)).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 5_000]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('I2: a chat with a bug is asked again more slowly than its restart limit', async () => {
    const { ingestion, scripted, clock, escalations } = await bench();
    const bug = new DragomanError('invariant_broken', 'a bug');
    const { chat, asked } = await scripted('ann', ...Array.from({ length: 10 }, () => bug), DONE);
    ingestion.tell('ready', chat);
    for (let minute = 0; minute < 10; minute += 1) {
      await settle();
      clock.advance(30_000);
    }
    await settle();
    expect(asked).toHaveLength(11);
    expect(escalations).toEqual([]);
  });

  test('a chat that holds is asked when the hold ends, or when it is announced', async () => {
    const { ingestion, scripted, clock } = await bench();
    const until = clock.now() + 60_000;
    const { chat, asked } = await scripted('ann', { kind: 'held', until }, { kind: 'held', until }, DONE);
    ingestion.tell('ready', chat);
    await ingestion.ask('drain', undefined);
    expect(asked).toHaveLength(1);
    ingestion.tell('ready', chat);
    await ingestion.ask('drain', undefined);
    expect(asked).toHaveLength(2);
    clock.advance(60_000);
    await settle();
    expect(asked).toHaveLength(3);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a chat that came back under the same name is another one', async () => {
    const { ingestion, spawnChat, scripted, system } = await bench();
    const first = gate();
    const old = await spawnChat('ann', async () => {
      await first.passed;
      return DONE;
    });
    ingestion.tell('ready', old.chat);
    await settle();
    const stopped = system.stopActor(old.chat);
    first.open();
    await stopped;
    const { chat, asked } = await scripted('ann', DONE);
    ingestion.tell('ready', old.chat);
    ingestion.tell('ready', chat);
    await ingestion.ask('drain', undefined);
    expect(asked).toHaveLength(1);
    expect(system.failedTells).toBe(0);
  });

  test('I4: asks at most 64 chats at a time, and every one in the end', async () => {
    const { ingestion, spawnChat } = await bench();
    let asking = 0;
    let most = 0;
    const chats = [];
    for (let nth = 0; nth < 200; nth += 1) {
      const made = await spawnChat(`chat-${nth}`, async () => {
        asking += 1;
        most = Math.max(most, asking);
        await new Promise(setImmediate);
        asking -= 1;
        return DONE;
      });
      chats.push(made);
    }
    for (const { chat } of chats) ingestion.tell('ready', chat);
    await ingestion.ask('drain', undefined);
    expect(most).toBe(64);
    expect(chats.every(({ asked }) => asked.length === 1)).toBe(true);
  });

  test('I5: has chats announced when it starts', async () => {
    const { system } = await startActors();
    let starts = 0;
    const announceAgain = () => void (starts += 1);
    await system.spawn(ingestionActor, 'ingestion', { announceAgain });
    await settle();
    expect(starts).toBe(1);
  });

  test('I6: a drain asks a chat that failed once more, at once, and leaves alone one that holds', async () => {
    const { ingestion, scripted, clock } = await bench();
    const { chat: failing, asked } = await scripted('ann', away, MORE, DONE);
    const until = clock.now() + 60_000;
    const { chat: holding, asked: askedHolding } = await scripted('bob', { kind: 'held', until });
    ingestion.tell('ready', failing);
    ingestion.tell('ready', holding);
    await settle();
    expect(asked).toHaveLength(1);
    await ingestion.ask('drain', undefined);
    expect(asked).toHaveLength(3);
    expect(askedHolding).toHaveLength(1);
    expect(clock.pendingTimers).toBe(1);
  });

  test('leaves no timer behind when it stops', async () => {
    const { ingestion, scripted, clock, system } = await bench();
    const until = clock.now() + 60_000;
    const { chat } = await scripted('ann', { kind: 'held', until });
    const { chat: failing } = await scripted('bob', away);
    ingestion.tell('ready', chat);
    ingestion.tell('ready', failing);
    await settle();
    expect(clock.pendingTimers).toBe(2);
    await system.stopActor(ingestion);
    expect(clock.pendingTimers).toBe(0);
  });
});
