import { type BotTurn, botToServe, jobToServe, placeAfter } from '../../../src/jobs/fairness.ts';
import type { MediaProcessingJob } from '../../../src/jobs/job.ts';

/** The turns of bots in the pools of a memory store, by the rule of src/jobs/fairness.ts. */
export class MemoryTurns {
  /** By pool; in each, the bots in the order in which they came. */
  readonly #turns = new Map<string, Map<string, BotTurn>>();

  /** A bot gained a claimable job. */
  arrived(pool: string, botId: string): BotTurn {
    const turns = this.#of(pool);
    const bot = { botId, turn: 0, round: 0, ...turns.get(botId), claimable: true };
    turns.set(botId, bot);
    return bot;
  }

  /** Which of the pool's claimable jobs is next; it counts as served. Null when none may be given. */
  serve<Job extends MediaProcessingJob>(
    pool: string,
    claimable: readonly Job[],
    cappedBots: ReadonlySet<string>,
  ): Job | null {
    const turns = this.#of(pool);
    for (;;) {
      const bot = botToServe(turns.values(), cappedBots);
      if (bot === null) return null;
      const { botId } = bot;
      const job = jobToServe(claimable.filter(({ correspondent }) => correspondent.botId === botId));
      if (job === null) {
        turns.set(botId, { ...bot, claimable: false });
        continue;
      }
      const latestTurn = Math.max(...[...turns.values()].map(({ turn }) => turn));
      turns.set(botId, { ...bot, ...placeAfter(bot, job, latestTurn) });
      return job;
    }
  }

  #of(pool: string): Map<string, BotTurn> {
    const turns = this.#turns.get(pool) ?? new Map<string, BotTurn>();
    this.#turns.set(pool, turns);
    return turns;
  }
}
