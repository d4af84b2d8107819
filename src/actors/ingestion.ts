import PQueue from 'p-queue';
import { backOffMs } from '../base/back-off.ts';
import type { Timer } from '../base/clock.ts';
import { describeError, hasCode, isRetryable } from '../base/errors.ts';
import type { Chat, IngestReport } from './chat-protocol.ts';
import type { ActorContext, ActorDefinition, Detail } from './kit/actor.ts';
import { later } from './kit/later.ts';

export interface IngestionProtocol {
  /** `MessageReady`: the chat may have something for the history. */
  ready(chat: Chat): void;
  /** Resolves when nothing that was announced is left, but what is held or what the store refuses once more. */
  drain(): Promise<void>;
}

export interface IngestionArgs {
  /** This actor starts, and remembers nothing: each live chat is to be announced. Must not block. */
  readonly announceAgain: () => void;
}

/** Chats that are written to the history at a time; the store commits them as groups. */
const CONCURRENT_CHATS = 64;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
/** After a bug: slower than the restart limit, so that one chat that cannot be read does not take its bot along. */
const BUG_RETRY_MS = 30_000;

/** What is going on with a chat that was announced. */
type Stage =
  | { readonly kind: 'in line' }
  /** `again`: it was announced meanwhile. */
  | { readonly kind: 'asked'; again: boolean }
  /** Something before what is ready may still come; a further announcement ends the hold. */
  | { readonly kind: 'held'; readonly timer: Timer }
  /** It is asked again then, whatever is announced, or by a drain. `failures`: in a row. */
  | { readonly kind: 'failing'; readonly timer: Timer; readonly failures: number };

/**
 * Moves what is ready into the history, for all chats.
 *   I1 An announced chat is asked until it has nothing ready, or holds, or stopped.
 *   I2 A chat that fails is asked again, later and later; it is never forgotten.
 *   I3 A chat announced while it is being asked is asked once more.
 *   I4 A chat is asked by one at a time, and at most `CONCURRENT_CHATS` are.
 *   I5 What was announced before a restart is announced again.
 *   I6 A drain asks chats that failed once more, without waiting for their turn: the store may have come back since.
 */
class Ingestion {
  readonly #context: ActorContext<IngestionProtocol>;
  readonly #lane = new PQueue({ concurrency: CONCURRENT_CHATS });
  /** By chat, not by its path: a chat that passivated and came back is another one. */
  readonly #stages = new Map<Chat, Stage>();

  constructor(context: ActorContext<IngestionProtocol>) {
    this.#context = context;
  }

  ready(chat: Chat): void {
    const stage = this.#stages.get(chat);
    switch (stage?.kind) {
      case 'asked':
        stage.again = true;
        return;
      case 'held':
        stage.timer.cancel();
        return this.#lineUp(chat, 0);
      case undefined:
        return this.#lineUp(chat, 0);
      case 'in line':
      case 'failing':
    }
  }

  drain(): Promise<void> {
    for (const [chat, stage] of this.#stages) {
      if (stage.kind !== 'failing') continue;
      stage.timer.cancel();
      this.#lineUp(chat, stage.failures);
    }
    return this.#lane.onIdle();
  }

  stopped(): void {
    this.#lane.clear();
    for (const stage of this.#stages.values()) if ('timer' in stage) stage.timer.cancel();
  }

  inspect(): Detail {
    const counts: Record<Stage['kind'], number> = { 'in line': 0, asked: 0, held: 0, failing: 0 };
    for (const { kind } of this.#stages.values()) counts[kind] += 1;
    return counts;
  }

  #lineUp(chat: Chat, failures: number): void {
    this.#stages.set(chat, { kind: 'in line' });
    void this.#lane.add(() => this.#ask(chat, failures));
  }

  async #ask(chat: Chat, failures: number): Promise<void> {
    const stage: Stage = { kind: 'asked', again: false };
    this.#stages.set(chat, stage);
    try {
      const report = await this.#askUntilEmpty(chat);
      if (stage.again) this.#lineUp(chat, 0);
      else if (report.kind === 'held') this.#hold(chat, report.until - this.#context.clock.now());
      else this.#stages.delete(chat);
    } catch (error) {
      this.#failed(chat, failures, error);
    }
  }

  async #askUntilEmpty(chat: Chat): Promise<IngestReport> {
    for (;;) {
      const report = await chat.ask('ingest', undefined);
      if (report.kind !== 'ingested' || !report.more) return report;
    }
  }

  /** A chat that stopped had nothing left, or stopped with its bot, whose next life announces it. */
  #failed(chat: Chat, failures: number, error: unknown): void {
    if (hasCode(error, 'actor_stopped')) {
      this.#stages.delete(chat);
      return;
    }
    const delayMs = isRetryable(error) ? backOffMs(FIRST_RETRY_MS, failures, LONGEST_RETRY_MS) : BUG_RETRY_MS;
    this.#context.log.warn(
      { chat: chat.path, reason: describeError(error), delay_ms: delayMs },
      'ingestion waits',
    );
    const timer = this.#lineUpIn(delayMs, chat, failures + 1);
    if (timer !== null) this.#stages.set(chat, { kind: 'failing', timer, failures: failures + 1 });
  }

  #hold(chat: Chat, delayMs: number): void {
    const timer = this.#lineUpIn(delayMs, chat, 0);
    if (timer !== null) this.#stages.set(chat, { kind: 'held', timer });
  }

  /** Null when this actor is about to end. */
  #lineUpIn(delayMs: number, chat: Chat, failures: number): Timer | null {
    if (this.#context.signal.aborted) return null;
    return this.#context.clock.schedule(delayMs, () => this.#lineUp(chat, failures));
  }
}

export const ingestionActor: ActorDefinition<IngestionProtocol, IngestionArgs> = {
  kind: 'ingestion',
  mailboxCapacity: 1_000_000,
  create(context, { announceAgain }) {
    const ingestion = new Ingestion(context);
    return {
      handlers: {
        ready: (chat) => ingestion.ready(chat),
        drain: () => later(ingestion.drain()),
      },
      started: announceAgain,
      stopped: () => ingestion.stopped(),
      inspect: () => ingestion.inspect(),
    };
  },
};
