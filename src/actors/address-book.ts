import { RecentMap } from '../base/recent-map.ts';

/**
 * Which chat an identifier leads to, as far as it was asked lately: bounded, so that a million senders cost nothing.
 * The store knows all of them. Names are per provider.
 *   A1 Never more than `capacity` identifiers; the one learnt longest ago goes first.
 *   A2 Of a chat that was joined to another, no identifier is left that leads to it.
 */
export class AddressBook {
  readonly #chats: RecentMap<string, string>;

  constructor(capacity: number) {
    this.#chats = new RecentMap(capacity);
  }

  /** The chat that all of `identifiers` lead to; null when one is unknown here or they disagree. */
  find(provider: string, identifiers: readonly [string, ...string[]]): string | null {
    const [chat, ...others] = identifiers.map((identifier) => this.#chats.get(entry(provider, identifier)));
    if (chat === undefined) return null;
    return others.every((other) => other === chat) ? chat : null;
  }

  /** The store says that all of `identifiers` lead to `chat`. */
  learn(provider: string, identifiers: readonly string[], chat: string): void {
    const entries = identifiers.map((identifier) => entry(provider, identifier));
    const joined = new Set(entries.map((each) => this.#chats.get(each)));
    joined.delete(undefined);
    joined.delete(chat);
    if (joined.size > 0) this.#forget(joined);
    for (const each of entries) this.#chats.set(each, chat);
  }

  /** Nothing leads to `chat` any more. */
  forget(chat: string): void {
    this.#forget(new Set([chat]));
  }

  /** Rare, hence a scan: two chats turned out to be one person's, or one is gone. */
  #forget(joined: ReadonlySet<string | undefined>): void {
    for (const [each, chat] of this.#chats) if (joined.has(chat)) this.#chats.delete(each);
  }
}

const entry = (provider: string, identifier: string): string => `${provider}\0${identifier}`;
