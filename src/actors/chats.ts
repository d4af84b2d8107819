import { createHash } from 'node:crypto';
import type { CorrespondentKey } from '../jobs/job.ts';
import type { ChatServices } from './chat-services.ts';
import { correspondentActor, type CorrespondentProtocol } from './correspondent.ts';
import type { ActorContext, ActorRef, ProtocolOf } from './kit/actor.ts';

type Chat = ActorRef<CorrespondentProtocol>;

/** Actors that are made on demand are let go above this many: destroying one costs as much as it has siblings. */
const MAX_LIVE_CHATS = 2_000;

/**
 * The live chats of one bot. Its calls are made from the bot's mailbox only, one at a time.
 *   L1 A chat has at most one actor: a new one is made after the old one is gone.
 *   L2 Only chats with nothing in their queue passivate; longest empty first.
 */
export class Chats<P extends ProtocolOf<P>> {
  readonly #context: ActorContext<P>;
  readonly #services: ChatServices;
  readonly #live = new Map<string, Chat>();
  /** Correspondent id → since when its queue is empty, longest first. */
  readonly #empty = new Map<string, number>();

  constructor(context: ActorContext<P>, services: ChatServices) {
    this.#context = context;
    this.#services = services;
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** The chat's actor, made when there is none. */
  async open(key: CorrespondentKey): Promise<Chat> {
    this.#empty.delete(key.correspondentId);
    const live = this.#live.get(key.correspondentId);
    if (live !== undefined) return live;
    if (this.#live.size >= MAX_LIVE_CHATS) await this.#passivateOldest();
    const args = { key, services: this.#services };
    const chat = await this.#context.spawn(correspondentActor, chatName(key), args);
    this.#live.set(key.correspondentId, chat);
    return chat;
  }

  noteEmpty(key: CorrespondentKey): void {
    this.#empty.delete(key.correspondentId);
    this.#empty.set(key.correspondentId, this.#context.clock.now());
  }

  /** Lets go of every chat that has been empty since before `before`, epoch milliseconds. */
  async passivateIdle(before: number): Promise<void> {
    for (const [correspondentId, since] of this.#empty) {
      if (since > before) return;
      await this.#passivate(correspondentId);
    }
  }

  async #passivateOldest(): Promise<void> {
    for (const correspondentId of this.#empty.keys()) {
      if (await this.#passivate(correspondentId)) return;
    }
  }

  async #passivate(correspondentId: string): Promise<boolean> {
    this.#empty.delete(correspondentId);
    const chat = this.#live.get(correspondentId);
    if (chat === undefined || !(await this.#context.passivate(chat))) return false;
    this.#live.delete(correspondentId);
    return true;
  }
}

/** Names appear in logs and an identifier may be a phone number, so a chat goes by a digest. */
const chatName = ({ botId, providerName, correspondentId }: CorrespondentKey): string =>
  createHash('sha256').update(`${botId}\0${providerName}\0${correspondentId}`).digest('hex').slice(0, 12);
