import { type BotTurn, botToServe, jobToServe, placeAfter, roundForJob } from '../../src/jobs/fairness.ts';
import { twoStepChoice } from './two-step-rule.ts';

/** A job that waits in a line. */
export interface LineJob {
  readonly botId: string;
  readonly chatId: string;
}

/** Who is served next in one pool. */
export interface PoolLine<T extends LineJob> {
  arrive(job: T): void;
  /** Takes the next job, or null when none may be taken. */
  claim(cappedBots: ReadonlySet<string>): T | null;
  /** Puts a job that was claimed back to its place. */
  giveBack(job: T): void;
}

interface Ticket<T> {
  readonly job: T;
  readonly seq: number;
  readonly round: number;
}

interface BotQueue<T> {
  turn: BotTurn;
  /** Each chat's tickets, in arrival order and hence in the order of their rounds. */
  readonly chats: Map<string, Ticket<T>[]>;
}

/** The rule of src/jobs/fairness.ts over jobs in memory. */
export class FairLine<T extends LineJob> implements PoolLine<T> {
  readonly #bots = new Map<string, BotQueue<T>>();
  readonly #claimed = new Map<T, Ticket<T>>();
  #arrived = 0;
  #latestTurn = 0;

  arrive(job: T): void {
    const bot = this.#bots.get(job.botId) ?? this.#newBot(job.botId);
    const chat = chatOf(bot, job.chatId);
    this.#arrived += 1;
    chat.push({ job, seq: this.#arrived, round: roundForJob(bot.turn.round, chat.at(-1)?.round ?? 0) });
    bot.turn = { ...bot.turn, claimable: true };
  }

  claim(cappedBots: ReadonlySet<string>): T | null {
    for (;;) {
      const turn = botToServe(
        [...this.#bots.values()].map((each) => each.turn),
        cappedBots,
      );
      const bot = turn === null ? undefined : this.#bots.get(turn.botId);
      if (bot === undefined) return null;
      const heads = [...bot.chats.values()].flatMap((chat) => chat.slice(0, 1));
      const ticket = jobToServe(heads);
      if (ticket === null) {
        bot.turn = { ...bot.turn, claimable: false };
        continue;
      }
      bot.turn = { ...bot.turn, ...placeAfter(bot.turn, ticket, this.#latestTurn) };
      this.#latestTurn = bot.turn.turn;
      chatOf(bot, ticket.job.chatId).shift();
      this.#claimed.set(ticket.job, ticket);
      return ticket.job;
    }
  }

  giveBack(job: T): void {
    const bot = this.#bots.get(job.botId);
    const ticket = this.#claimed.get(job);
    if (bot === undefined || ticket === undefined) throw new Error('expected a claimed job');
    const chat = chatOf(bot, job.chatId);
    chat.push(ticket);
    chat.sort((a, b) => a.seq - b.seq);
    bot.turn = { ...bot.turn, claimable: true };
  }

  #newBot(botId: string): BotQueue<T> {
    const bot = {
      turn: { botId, turn: 0, round: 0, claimable: true },
      chats: new Map<string, Ticket<T>[]>(),
    };
    this.#bots.set(botId, bot);
    return bot;
  }
}

function chatOf<T>(bot: BotQueue<T>, chatId: string): Ticket<T>[] {
  const chat = bot.chats.get(chatId) ?? [];
  bot.chats.set(chatId, chat);
  return chat;
}

interface Waiting<T> {
  readonly botId: string;
  readonly job: T;
  readonly seq: number;
}

/** Oldest first; with `skipsLast`, the plain two-step rule. Neither knows chats or caps. */
export class ArrivalLine<T extends LineJob> implements PoolLine<T> {
  readonly #skipsLast: boolean;
  readonly #waiting = new Map<string, Waiting<T>[]>();
  readonly #seqs = new Map<T, number>();
  #lastBotId: string | null = null;

  constructor({ skipsLast }: { readonly skipsLast: boolean }) {
    this.#skipsLast = skipsLast;
  }

  arrive(job: T): void {
    const seq = this.#seqs.size + 1;
    this.#seqs.set(job, seq);
    this.#queueOf(job.botId).push({ botId: job.botId, job, seq });
  }

  claim(): T | null {
    const heads = [...this.#waiting.values()].flatMap((queue) => queue.slice(0, 1));
    const head = twoStepChoice(heads, this.#skipsLast ? this.#lastBotId : null);
    if (head === null) return null;
    this.#lastBotId = head.botId;
    this.#queueOf(head.botId).shift();
    return head.job;
  }

  giveBack(job: T): void {
    const queue = this.#queueOf(job.botId);
    queue.push({ botId: job.botId, job, seq: this.#seqs.get(job) ?? 0 });
    queue.sort((a, b) => a.seq - b.seq);
  }

  #queueOf(botId: string): Waiting<T>[] {
    const queue = this.#waiting.get(botId) ?? [];
    this.#waiting.set(botId, queue);
    return queue;
  }
}
