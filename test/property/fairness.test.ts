import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BotTurn, botToServe, jobToServe, placeAfter, roundForJob } from '../../src/jobs/fairness.ts';
import { twoStepChoice } from '../support/two-step-rule.ts';

interface Job {
  readonly botId: string;
  readonly chatId: string;
  readonly seq: number;
  readonly round: number;
}

/** A job's arrival, or a free worker. */
type Event =
  { readonly kind: 'arrive'; readonly bot: number; readonly chat: number } | { readonly kind: 'claim' };

const NO_CAP: ReadonlySet<string> = new Set();

/** One pool under the rule. */
class Race {
  readonly waiting: Job[] = [];
  readonly #turns = new Map<string, BotTurn>();
  #arrived = 0;

  arrive(botId: string, chatId: string): void {
    this.#arrived += 1;
    const chatRounds = this.waiting
      .filter((job) => job.botId === botId && job.chatId === chatId)
      .map(({ round }) => round);
    const bot = { botId, turn: 0, round: 0, ...this.#turns.get(botId), claimable: true };
    this.#turns.set(botId, bot);
    const round = roundForJob(bot.round, Math.max(0, ...chatRounds));
    this.waiting.push({ botId, chatId, seq: this.#arrived, round });
  }

  claim(capped: ReadonlySet<string> = NO_CAP): Job | null {
    for (;;) {
      const bot = botToServe(this.#turns.values(), capped);
      if (bot === null) return null;
      const job = jobToServe(this.waiting.filter(({ botId }) => botId === bot.botId));
      if (job === null) {
        this.#turns.set(bot.botId, { ...bot, claimable: false });
        continue;
      }
      const latestTurn = Math.max(...[...this.#turns.values()].map(({ turn }) => turn));
      this.#turns.set(bot.botId, { ...bot, ...placeAfter(bot, job, latestTurn) });
      this.waiting.splice(this.waiting.indexOf(job), 1);
      return job;
    }
  }
}

const trace = (bots: number, chats: number): fc.Arbitrary<Event[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('arrive'),
          bot: fc.nat({ max: bots - 1 }),
          chat: fc.nat({ max: chats - 1 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('claim') }) },
    ),
    { maxLength: 400, size: 'max' },
  );

/** Runs the trace, then claims until nothing waits. `onClaim` sees each claim after the job left. */
function play(
  events: readonly Event[],
  onClaim: (job: Job, race: Race, before: readonly Job[]) => void,
): Race {
  const race = new Race();
  const claim = (): boolean => {
    const before = [...race.waiting];
    const job = race.claim();
    if (job !== null) onClaim(job, race, before);
    return job !== null;
  };
  for (const event of events) {
    if (event.kind === 'arrive') race.arrive(`bot-${event.bot}`, `chat-${event.chat}`);
    else claim();
  }
  while (claim());
  return race;
}

describe('the fairness rule', () => {
  test('F1: a bot with waiting jobs waits at most N − 1 claims of the pool', () => {
    const property = fc.property(
      fc.integer({ min: 2, max: 8 }).chain((bots) => fc.tuple(fc.constant(bots), trace(bots, 2))),
      ([bots, events]) => {
        const passedOver = new Map<string, number>();
        play(events, (job, race) => {
          passedOver.set(job.botId, 0);
          for (const botId of new Set(race.waiting.map((waiting) => waiting.botId))) {
            if (botId === job.botId) continue;
            const times = (passedOver.get(botId) ?? 0) + 1;
            passedOver.set(botId, times);
            expect(times).toBeLessThanOrEqual(bots - 1);
          }
        });
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  test('F2: a chat with waiting jobs waits at most 2(C − 1) claims of its bot', () => {
    const property = fc.property(
      fc.integer({ min: 2, max: 8 }).chain((chats) => fc.tuple(fc.constant(chats), trace(1, chats))),
      ([chats, events]) => {
        const passedOver = new Map<string, number>();
        play(events, (job, race) => {
          passedOver.set(job.chatId, 0);
          for (const chatId of new Set(race.waiting.map((waiting) => waiting.chatId))) {
            if (chatId === job.chatId) continue;
            const times = (passedOver.get(chatId) ?? 0) + 1;
            passedOver.set(chatId, times);
            expect(times).toBeLessThanOrEqual(2 * (chats - 1));
          }
        });
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  test('every job is served once, and a chat in its own order', () => {
    const property = fc.property(trace(4, 3), (events) => {
      const served: Job[] = [];
      play(events, (job) => served.push(job));
      expect(served).toHaveLength(events.filter(({ kind }) => kind === 'arrive').length);
      for (const jobs of Map.groupBy(served, ({ botId, chatId }) => `${botId}/${chatId}`).values()) {
        expect(jobs.map(({ seq }) => seq)).toEqual(jobs.map(({ seq }) => seq).toSorted((a, b) => a - b));
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('with one worker and two bots the trace is that of the two-step rule', () => {
    const property = fc.property(trace(2, 1), (events) => {
      let lastBotId: string | null = null;
      play(events, (job, _, before) => {
        expect(job).toEqual(twoStepChoice(before, lastBotId));
        lastBotId = job.botId;
      });
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('with three bots it is not: two heavy bots do not make the third wait for their backlog', () => {
    const race = new Race();
    for (let n = 0; n < 50; n += 1) for (const bot of ['heavy-1', 'heavy-2']) race.arrive(bot, 'chat');
    race.claim();
    race.claim();
    race.arrive('quiet', 'chat');
    expect(twoStepChoice(race.waiting, 'heavy-2')?.botId).toBe('heavy-1');
    expect(race.claim()?.botId).toBe('quiet');
  });

  test('F1: a capped bot is not served, keeps its turn, and is served first once the cap lifts', () => {
    const race = new Race();
    for (let n = 0; n < 3; n += 1) for (const bot of ['capped', 'other']) race.arrive(bot, 'chat');
    const capped = new Set(['capped']);
    expect([race.claim(capped)?.botId, race.claim(capped)?.botId]).toEqual(['other', 'other']);
    expect([race.claim()?.botId, race.claim()?.botId]).toEqual(['capped', 'other']);
  });

  test('F3: a round that was reached does not fall when a job of an earlier one is served', () => {
    expect(placeAfter({ round: 7 }, { round: 3, seq: 1 }, 41)).toEqual({ turn: 42, round: 7 });
  });
});
