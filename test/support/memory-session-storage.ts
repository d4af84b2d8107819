import {
  isMessage,
  type ProviderKey,
  type ReceivedMessage,
  type ReceivedStanza,
} from '../../src/gateway/received.ts';
import type { AuthChange, SessionStorage, UndecryptableMessage } from '../../src/gateway/session.ts';

/** What a storage does with its next commits: `refuse` writes nothing and rejects; `lose-answer` writes, then rejects. */
export type CommitFault = 'refuse' | 'lose-answer';

/** A session's durable side in memory. Survives its sessions, so it stands for the disk in crash tests. */
export class MemorySessionStorage implements SessionStorage {
  /** Each message once, in commit order. */
  readonly received: ReceivedMessage[] = [];
  readonly expected: UndecryptableMessage[] = [];
  /** Every commit as it came: a message and the keys that changed with it. */
  readonly commits: { readonly auth: AuthChange; readonly received: readonly ReceivedStanza[] }[] = [];
  /** Ids of the bot's own texts, which the gateway's journal knows from its register of sends. */
  readonly sent = new Set<string>();
  /** Deliveries of messages that were there already. */
  duplicates = 0;
  readonly #auth = new Map<string, Map<string, string>>();
  readonly #seen = new Set<string>();
  #faults: CommitFault[] = [];
  #readFault: Error | null = null;
  #held: { readonly key: string; readonly reached: () => void; readonly released: Promise<void> } | null =
    null;
  #heldExpectation: { readonly reached: () => void; readonly released: Promise<void> } | null = null;

  /** The next commits that carry a message fare as told, one each. */
  failNextMessages(...faults: readonly CommitFault[]): void {
    this.#faults.push(...faults);
  }

  /** Lets nobody read `key` until `release`; `reached` resolves when somebody wants to. */
  holdReads(key: string): { readonly reached: Promise<void>; release(): void } {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#held = { key, reached: () => reached.resolve(), released: released.promise };
    return { reached: reached.promise, release: () => released.resolve() };
  }

  /** Lets no message without content be written until `release`; `reached` resolves when one is to be. */
  holdExpectations(): { readonly reached: Promise<void>; release(): void } {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#heldExpectation = { reached: () => reached.resolve(), released: released.promise };
    return { reached: reached.promise, release: () => released.resolve() };
  }

  failReads(error: Error | null): void {
    this.#readFault = error;
  }

  auth(botId: string): Map<string, string> {
    const auth = this.#auth.get(botId) ?? new Map<string, string>();
    this.#auth.set(botId, auth);
    return auth;
  }

  async readAuth(botId: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    await turn();
    const held = this.#held;
    if (held !== null && keys.includes(held.key)) {
      held.reached();
      await held.released;
    }
    if (this.#readFault !== null) throw this.#readFault;
    const auth = this.auth(botId);
    return new Map(
      keys.flatMap((key) => {
        const value = auth.get(key);
        return value === undefined ? [] : [[key, value] as const];
      }),
    );
  }

  async commit(botId: string, change: AuthChange, received: readonly ReceivedStanza[]): Promise<void> {
    await turn();
    const fault = received.some(isMessage) ? this.#faults.shift() : undefined;
    if (fault === 'refuse') throw new Error('the disk is full');
    const auth = this.auth(botId);
    for (const [key, value] of change.puts) auth.set(key, value);
    for (const key of change.deletes) auth.delete(key);
    this.commits.push({ auth: change, received });
    for (const stanza of received) {
      this.#forgetExpected(stanza.key);
      if (isMessage(stanza)) this.#take(stanza);
    }
    if (fault === 'lose-answer') throw new Error('the outcome is unknown');
  }

  async expectContent(_botId: string, message: UndecryptableMessage): Promise<void> {
    await turn();
    this.#heldExpectation?.reached();
    await this.#heldExpectation?.released;
    if (!this.#seen.has(keyText(message.key))) this.expected.push(message);
  }

  async keyOf(_botId: string, chat: string, messageId: string): Promise<ProviderKey> {
    await turn();
    const received = this.received.find(({ key }) => key.id === messageId);
    const fromMe = this.sent.has(messageId);
    return received?.key ?? { remoteJid: chat, participant: null, id: messageId, fromMe };
  }

  async clearAuth(botId: string): Promise<void> {
    await turn();
    this.#auth.delete(botId);
  }

  /** As after the time for which messages are remembered. */
  forgetMessages(): void {
    this.#seen.clear();
  }

  has(id: string): boolean {
    return this.received.some((message) => message.key.id === id);
  }

  #take(message: ReceivedMessage): void {
    const key = keyText(message.key);
    if (this.#seen.has(key)) {
      this.duplicates += 1;
      return;
    }
    this.#seen.add(key);
    this.received.push(message);
  }

  #forgetExpected(key: ProviderKey): void {
    const waiting = this.expected.findIndex((expected) => keyText(expected.key) === keyText(key));
    if (waiting >= 0) this.expected.splice(waiting, 1);
  }
}

const keyText = ({ remoteJid, participant, id, fromMe }: ProviderKey): string =>
  JSON.stringify([remoteJid, participant, id, fromMe]);

/** A disk never answers in the same turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
