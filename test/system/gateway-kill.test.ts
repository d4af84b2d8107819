import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { compareHistory, expectationsOf } from '../../src/cli/expected-history.ts';
import type { SentMessage } from '../../src/simulator/person.ts';
import type { ScenarioStep } from '../../src/simulator/scenario.ts';
import type { Store } from '../../src/store/store.ts';
import { interceptStore } from '../support/intercepted-store.ts';
import { Spawned } from '../support/spawned.ts';
import { Works } from '../support/works.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';

/** A gateway process that can be killed, and comes back over the same folder. */
class MortalGateway {
  readonly #works: Works;
  #process: Spawned;
  #lane: Promise<void> = Promise.resolve();

  constructor(works: Works) {
    this.#works = works;
    this.#process = this.#spawn();
  }

  async kill(): Promise<void> {
    await this.#process.kill();
  }

  revive(): void {
    this.#process = this.#spawn();
  }

  /** One at a time, for whoever asks meanwhile. */
  killAndRevive(): Promise<void> {
    this.#lane = this.#killAndReviveAfter(this.#lane);
    return this.#lane;
  }

  async #killAndReviveAfter(earlier: Promise<void>): Promise<void> {
    await earlier;
    await this.kill();
    this.revive();
  }

  #spawn(): Spawned {
    return Spawned.start('live-gateway-process.ts', JSON.stringify(this.#works.gatewayOptions));
  }
}

/**
 * Waits for as many messages as were sent, and tells what is wrong with them: each must be in its chat's history once, in
 * the order in which WhatsApp got them, with words for its medium.
 */
async function problemsOf(works: Works, sent: readonly SentMessage[]): Promise<readonly string[]> {
  await works.untilIngested(sent.length);
  const expected = expectationsOf(sent, () => false);
  const problems: string[] = [];
  for (const chat of await works.chats()) {
    const entries = await works.store.history(chat, { afterSeq: 0, limit: 10_000 });
    const name = chat.aliases.find((alias) => expected.has(alias)) ?? '';
    problems.push(...compareHistory(chat.correspondentId, entries, expected.get(name) ?? []));
    expected.delete(name);
  }
  return [...problems, ...Array.from(expected.keys(), (chat) => `${chat}: nothing of it is there`)];
}

/** Three chats, texts and every kind of medium; each person writes in order, all at once. */
const conversation = (rounds: number, pauseMs: number): readonly ScenarioStep[] =>
  Array.from({ length: rounds }, (_, round): ScenarioStep[] => [
    { from: 'Ana', text: `round ${round}: a word` },
    { from: 'Ana', image: 30_000, caption: `round ${round}: a picture` },
    { from: 'Bruno', voice: 8_000 },
    { from: 'Bruno', text: `round ${round}: after the voice note` },
    { from: 'Ana', in: 'Trip', document: 4_000, fileName: 'plan.pdf' },
    { from: 'Bruno', in: 'Trip', video: 20_000, caption: `round ${round}: look` },
    { from: 'Ana', in: 'Trip', text: `round ${round}: to the group` },
    { from: 'Bruno', sticker: 0 },
    { pauseMs },
  ]).flat();

describe('kill -9 of the gateway', () => {
  test('during a conversation, at random moments', async () => {
    const works = await Works.start();
    const gateway = new MortalGateway(works);
    await works.untilOpen();
    works.simulator.group('Trip', ['Ana', 'Bruno']);
    const kills = async (): Promise<void> => {
      for (let kill = 0; kill < (DEEP ? 25 : 3); kill += 1) {
        await pause(300 + Math.random() * 1_500);
        await gateway.killAndRevive();
      }
    };
    const [sent] = await Promise.all([works.simulator.play(conversation(DEEP ? 60 : 12, 250)), kills()]);
    expect(await problemsOf(works, sent)).toEqual([]);
  });

  test('while it takes in a backlog of 100', async () => {
    const works = await Works.start();
    const { simulator } = works;
    const gateway = new MortalGateway(works);
    await works.untilOpen();
    simulator.group('Trip', ['Ana', 'Bruno']);
    await gateway.kill();
    const sent = [...(await simulator.play(conversation(12, 0))), ...(await simulator.play(lastWords))];
    expect(sent).toHaveLength(100);
    for (let kill = 0; kill < (DEEP ? 15 : 2); kill += 1) {
      const afterSeq = simulator.events.lastSeq;
      gateway.revive();
      await simulator.events.waitFor('login', () => true, { afterSeq, deadlineMs: 120_000 });
      await pause(Math.random() * 400);
      await gateway.kill();
    }
    gateway.revive();
    expect(await problemsOf(works, sent)).toEqual([]);
    const backlog = works.events.flatMap((event) => (event.kind === 'ingested' ? event.messages : []));
    expect(backlog.every((message) => message.backlog)).toBe(true);
  });

  const lastWords: readonly ScenarioStep[] = ['one', 'two', 'three', 'four'].map((text) => ({
    from: 'Ana',
    text,
  }));

  type Moment = readonly [operation: 'accept' | 'stage', point: 'before' | 'after'];
  const MOMENTS: readonly Moment[] = [
    ['accept', 'before'],
    ['accept', 'after'],
    ['stage', 'before'],
    ['stage', 'after'],
  ];

  test('between announcement, file and ack: before and after each write of the backend', async () => {
    const planned = Array.from({ length: DEEP ? 3 : 1 }, () => MOMENTS).flat();
    let strike: (() => Promise<void>) | null = null;
    const strikeAt = async (...[operation, point]: [string, Moment[1]]): Promise<void> => {
      const [next] = planned;
      if (strike === null || next?.[0] !== operation || next[1] !== point) return;
      planned.shift();
      await strike();
    };
    const intercept = (store: Store): Store =>
      interceptStore(store, async (operation, run) => {
        await strikeAt(operation, 'before');
        const result = await run();
        await strikeAt(operation, 'after');
        return result;
      });
    const works = await Works.start({ intercept });
    const gateway = new MortalGateway(works);
    await works.untilOpen();
    works.simulator.group('Trip', ['Ana', 'Bruno']);
    strike = () => gateway.killAndRevive();
    const sent: SentMessage[] = [];
    while (planned.length > 0) sent.push(...(await works.simulator.play(conversation(1, 300))));
    expect(await problemsOf(works, sent)).toEqual([]);
  });
});
