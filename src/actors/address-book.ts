/**
 * Which chat an identifier leads to, as far as it was asked lately: bounded, so that a million senders cost nothing.
 * The store knows all of them.
 */
export class AddressBook {
  readonly #capacity: number;
  readonly #chats = new Map<string, string>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The chat that all of `identifiers` lead to; null when one is unknown here or they disagree. */
  find(identifiers: readonly [string, ...string[]]): string | null {
    const chat = this.#chats.get(identifiers[0]);
    if (chat === undefined) return null;
    return identifiers.every((identifier) => this.#chats.get(identifier) === chat) ? chat : null;
  }

  learn(identifiers: readonly string[], chat: string): void {
    for (const identifier of identifiers) {
      this.#chats.delete(identifier);
      this.#chats.set(identifier, chat);
    }
    for (const oldest of this.#chats.keys()) {
      if (this.#chats.size <= this.#capacity) return;
      this.#chats.delete(oldest);
    }
  }
}
