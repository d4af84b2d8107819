/** Something of a chat of a bot. */
export interface Applicant {
  readonly botId: string;
  readonly chat: string;
}

/**
 * Those who wait for something that there is too little of.
 *   R1 Bots take turns, the chats of a bot take turns, and those of a chat go in the order of their coming: before a bot has
 *      its turn, every other bot has one at most.
 *   R2 A bot that may not go now keeps its place.
 */
export class FairLine<T extends Applicant> {
  /** Each in the order of its next turn. */
  readonly #bots = new Map<string, Map<string, Set<T>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(one: T): void {
    const chats = this.#bots.get(one.botId) ?? new Map<string, Set<T>>();
    const ofChat = chats.get(one.chat) ?? new Set<T>();
    this.#bots.set(one.botId, chats.set(one.chat, ofChat.add(one)));
    this.#size += 1;
  }

  /** Does nothing when it is not in the line any more. */
  remove(one: T): void {
    const chats = this.#bots.get(one.botId);
    const ofChat = chats?.get(one.chat);
    if (chats === undefined || ofChat?.delete(one) !== true) return;
    this.#size -= 1;
    if (ofChat.size === 0) chats.delete(one.chat);
    if (chats.size === 0) this.#bots.delete(one.botId);
  }

  has(mayGo: (botId: string) => boolean): boolean {
    return [...this.#bots.keys()].some(mayGo);
  }

  /** Who goes now; null when nobody may. */
  take(mayGo: (botId: string) => boolean): T | null {
    for (const [botId, chats] of this.#bots) {
      if (!mayGo(botId)) continue;
      for (const [chat, ofChat] of chats) {
        for (const one of ofChat) {
          toTheEnd(this.#bots, botId, chats);
          toTheEnd(chats, chat, ofChat);
          this.remove(one);
          return one;
        }
      }
    }
    return null;
  }
}

function toTheEnd<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
}
