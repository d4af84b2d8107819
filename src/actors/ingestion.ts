import PQueue from 'p-queue';
import type { Timer } from '../base/clock.ts';
import { describeError, hasCode, isRetryable } from '../base/errors.ts';
import type { CorrespondentProtocol } from './correspondent.ts';
import type { ActorContext, ActorDefinition, ActorRef } from './kit/actor.ts';
import { later } from './kit/later.ts';

type Chat = ActorRef<CorrespondentProtocol>;

export interface IngestionProtocol {
  /** `MessageReady`: the chat has something for the history. */
  ready(chat: Chat): void;
  /** Resolves when nothing that was announced is left, but what is held or what the store refuses. */
  drain(): Promise<void>;
}

/** Chats that are written to the history at a time; the store commits them as groups. */
const CONCURRENT_CHATS = 64;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/**
 * Moves what is ready into the history, for all chats.
 *   I1 An announced chat is asked until it has nothing ready, or holds, or stopped.
 *   I2 A chat that fails for a reason that may pass is asked again, later and later; nothing is dropped.
 *   I3 A chat announced while it is being asked is asked once more.
 */
class Ingestion {
  readonly #context: ActorContext<IngestionProtocol>;
  readonly #lane = new PQueue({ concurrency: CONCURRENT_CHATS });
  readonly #announced = new Set<string>();
  readonly #asking = new Set<string>();
  readonly #timers = new Map<string, Timer>();

  constructor(context: ActorContext<IngestionProtocol>) {
    this.#context = context;
  }

  ready(chat: Chat): void {
    this.#timers.get(chat.path)?.cancel();
    this.#timers.delete(chat.path);
    if (this.#announced.has(chat.path)) return;
    this.#announced.add(chat.path);
    if (!this.#asking.has(chat.path)) this.#enqueue(chat, 0);
  }

  async drain(): Promise<void> {
    await this.#lane.onIdle();
  }

  stopped(): void {
    this.#lane.clear();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  inspect(): Readonly<Record<string, unknown>> {
    return { announced: this.#announced.size, asking: this.#asking.size, waiting: this.#timers.size };
  }

  #enqueue(chat: Chat, failures: number): void {
    void this.#lane.add(() => this.#ask(chat, failures));
  }

  async #ask(chat: Chat, failures: number): Promise<void> {
    this.#announced.delete(chat.path);
    this.#asking.add(chat.path);
    try {
      for (;;) {
        const report = await chat.ask('ingest', undefined);
        if (report.kind === 'held') this.#askAt(chat, report.until - this.#context.clock.now(), 0);
        if (report.kind !== 'ingested' || !report.more) break;
      }
    } catch (error) {
      this.#failed(chat, failures, error);
    } finally {
      this.#asking.delete(chat.path);
    }
    if (this.#announced.has(chat.path)) this.#enqueue(chat, 0);
  }

  #failed(chat: Chat, failures: number, error: unknown): void {
    if (hasCode(error, 'actor_stopped')) return;
    if (!isRetryable(error)) {
      this.#context.log.error({ reason: describeError(error) }, 'a chat could not be ingested');
      return;
    }
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
    this.#context.log.warn({ reason: describeError(error), delay_ms: delayMs }, 'ingestion waits');
    this.#askAt(chat, delayMs, failures + 1);
  }

  #askAt(chat: Chat, delayMs: number, failures: number): void {
    const timer = this.#context.clock.schedule(delayMs, () => {
      this.#timers.delete(chat.path);
      this.#enqueue(chat, failures);
    });
    this.#timers.set(chat.path, timer);
  }
}

export const ingestionActor: ActorDefinition<IngestionProtocol, undefined> = {
  kind: 'ingestion',
  mailboxCapacity: 1_000_000,
  create(context) {
    const ingestion = new Ingestion(context);
    return {
      handlers: {
        ready: (chat) => ingestion.ready(chat),
        drain: () => later(ingestion.drain()),
      },
      stopped: () => ingestion.stopped(),
      inspect: () => ingestion.inspect(),
    };
  },
};
