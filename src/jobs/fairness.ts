/**
 * Which job a pool's next free worker takes. Every store adapter makes this decision in its own query language;
 * here it stands as pure functions, and the contract suite holds the adapters to it.
 *
 *   F1 The bot served longest ago goes first; a bot never served goes before those that were, first come, first served.
 *   F2 A bot's chats take turns: a chat's next job gets a later round than every job of that chat that still waits,
 *      and a later one than the round its bot has reached, so that newcomers cannot keep passing an old chat.
 *   F3 A job keeps its round while it is claimable or given back. Only a stay in `holding` ends it.
 *
 * With N claimable bots in a pool, a bot waits at most N − 1 claims of the pool; with C chats waiting, a chat waits
 * at most 2(C − 1) claims of its bot.
 */

/** A bot's place in one pool. */
export interface BotTurn {
  readonly botId: string;
  /** When it was last served, as a count of the pool's claims; 0 before its first. */
  readonly turn: number;
  /** The latest round that any of its claimed jobs had; 0 before its first. */
  readonly round: number;
  /** False once a claim has found that nothing of this bot waits. */
  readonly claimable: boolean;
}

/** Where a claimable job stands among its bot's. */
export interface JobTurn {
  readonly round: number;
  /** Arrival order. */
  readonly seq: number;
}

/** F1. The bot to serve, or null when none may be. `turns` in the order in which the bots first came to the pool. */
export function botToServe<T extends BotTurn>(turns: Iterable<T>, cappedBots: ReadonlySet<string>): T | null {
  let chosen: T | null = null;
  for (const candidate of turns) {
    if (!candidate.claimable || cappedBots.has(candidate.botId)) continue;
    if (chosen === null || candidate.turn < chosen.turn) chosen = candidate;
  }
  return chosen;
}

/** F2. The job to take of the bot that is served, or null when nothing waits. */
export function jobToServe<T extends JobTurn>(waiting: Iterable<T>): T | null {
  let chosen: T | null = null;
  for (const candidate of waiting) {
    if (chosen === null || compareJobTurns(candidate, chosen) < 0) chosen = candidate;
  }
  return chosen;
}

/** F2. The round of a job that becomes claimable. `chatRound`: the latest of the same chat's jobs that wait, 0 if none. */
export const roundForJob = (botRound: number, chatRound: number): number => 1 + Math.max(botRound, chatRound);

/**
 * The bot's place after it was served: behind every other, of which `latestTurn` is the last. Its round never falls,
 * or a job given back, whose round is an early one, would let newcomers pass the chats that wait.
 */
export const placeAfter = (
  bot: Pick<BotTurn, 'round'>,
  job: JobTurn,
  latestTurn: number,
): Pick<BotTurn, 'turn' | 'round'> => ({
  turn: latestTurn + 1,
  round: Math.max(bot.round, job.round),
});

const compareJobTurns = (a: JobTurn, b: JobTurn): number => a.round - b.round || a.seq - b.seq;
