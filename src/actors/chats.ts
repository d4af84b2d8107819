import type { CorrespondentKey } from '../jobs/job.ts';
import { chatName } from '../store/chat-name.ts';
import type { Chat } from './chat-protocol.ts';
import type { ChatServices } from './chat-services.ts';
import { correspondentActor } from './correspondent.ts';
import type { ActorContext } from './kit/actor.ts';

export interface ChatsOptions {
  readonly context: Pick<ActorContext<never>, 'spawn' | 'passivate' | 'clock'>;
  readonly services: Omit<ChatServices, 'noteQueue'>;
  /** Above this many, a chat that is empty passivates for each one that is made: destroying one costs as much as it has siblings. */
  readonly maxLive: number;
}

/**
 * The live chats of one bot. `open` and `passivateIdle` are called from the bot's mailbox only, one at a time.
 *   L1 A chat has at most one actor: a new one is made after the old one is gone.
 *   L2 Only chats whose queue is known to be empty passivate; longest unused first.
 */
export class Chats {
  readonly #context: ChatsOptions['context'];
  readonly #services: ChatServices;
  readonly #maxLive: number;
  /** By name. */
  readonly #live = new Map<string, Chat>();
  /** The names of those that are empty, with the time of their last use; longest unused first. */
  readonly #empty = new Map<string, number>();

  constructor({ context, services, maxLive }: ChatsOptions) {
    this.#context = context;
    this.#maxLive = maxLive;
    this.#services = { ...services, noteQueue: ({ name }, isEmpty) => this.#noteQueue(name, isEmpty) };
  }

  get live(): readonly Chat[] {
    return [...this.#live.values()];
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** The chat's actor, made when there is none. Whoever does not ask it in the same turn may find that it has passivated. */
  async open(key: CorrespondentKey): Promise<Chat> {
    const name = chatName(key);
    const live = this.#live.get(name);
    if (live !== undefined) return live;
    if (this.#live.size >= this.#maxLive) await this.#passivateOne();
    const chat = await this.#context.spawn(correspondentActor, name, { key, services: this.#services });
    this.#live.set(name, chat);
    return chat;
  }

  /** Lets go of every chat that is empty and was not used since `before`, epoch milliseconds. */
  async passivateIdle(before: number): Promise<void> {
    for (const [name, usedAt] of this.#empty) {
      if (usedAt > before) return;
      await this.#passivate(name);
    }
  }

  #noteQueue(name: string, isEmpty: boolean): void {
    this.#empty.delete(name);
    if (isEmpty) this.#empty.set(name, this.#context.clock.now());
  }

  async #passivateOne(): Promise<void> {
    for (const name of this.#empty.keys()) {
      if (await this.#passivate(name)) return;
    }
  }

  /** False when it has something to do: what is noted of it stands until that is done. */
  async #passivate(name: string): Promise<boolean> {
    const chat = this.#live.get(name);
    if (chat === undefined || !(await this.#context.passivate(chat))) return false;
    this.#empty.delete(name);
    this.#live.delete(name);
    return true;
  }
}
