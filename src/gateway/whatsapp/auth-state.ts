import {
  type AuthenticationCreds,
  BufferJSON,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  type SignalKeyStore,
} from '@whiskeysockets/baileys';
import { DragomanError } from '../../base/errors.ts';
import type { ReceivedMessage } from '../received.ts';
import type { AuthChange, SessionStorage, UndecryptableMessage } from '../session.ts';

const CREDS_KEY = 'creds';
const RECEIVED = 'received';

/**
 * One connection's durable side: credentials, Signal keys and what it received.
 *
 *   A1 Each call of `keys.set` is one atomic commit; messages among the keys are part of it.
 *   A2 A read error rejects; it is never "not there".
 *   A3 Commits happen one after another, in call order.
 *   A4 After the first failure, and after `close`, nothing is read or written any more. The failure is told to
 *      `onFailure` before the caller learns of it, so that the link can be cut before Baileys answers WhatsApp.
 *   A5 `close` resolves when the last commit has ended: two connections of a bot never write at once.
 *
 * There is no cache. Baileys' own takes a value before it is durable, so that after a failed commit the second delivery
 * would meet a ratchet that has moved on, and be lost.
 */
export class AuthState {
  readonly keys: SignalKeyStore;
  readonly #botId: string;
  readonly #storage: SessionStorage;
  readonly #onFailure: (error: unknown) => void;
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(botId: string, storage: SessionStorage, onFailure: (error: unknown) => void) {
    this.#botId = botId;
    this.#storage = storage;
    this.#onFailure = onFailure;
    this.keys = {
      get: (type, ids) => this.#getKeys(type, ids),
      set: (data) => this.#setKeys(data),
    };
  }

  /**
   * The account's credentials; new ones when it is not paired. Credentials of a pairing that was begun and not
   * finished log in nowhere, and count as none.
   */
  async loadCreds(): Promise<AuthenticationCreds> {
    const text = (await this.#read([CREDS_KEY])).get(CREDS_KEY);
    if (text === undefined) return initAuthCreds();
    const creds: AuthenticationCreds = JSON.parse(text, BufferJSON.reviver);
    return creds.account === undefined ? initAuthCreds() : creds;
  }

  /** Commits `creds` as they are now. */
  saveCreds(creds: AuthenticationCreds): Promise<void> {
    return this.#commit({ puts: [[CREDS_KEY, encode(creds)]], deletes: [] }, []);
  }

  expectContent(message: UndecryptableMessage): Promise<void> {
    return this.#write(() => this.#storage.expectContent(this.#botId, message));
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#tail;
  }

  async #getKeys<T extends keyof SignalDataTypeMap>(
    type: T,
    ids: string[],
  ): Promise<Record<string, SignalDataTypeMap[T]>> {
    const texts = await this.#read(ids.map((id) => keyName(type, id)));
    const values: Record<string, SignalDataTypeMap[T]> = {};
    for (const id of ids) {
      const text = texts.get(keyName(type, id));
      if (text !== undefined) values[id] = decodeKey(type, text);
    }
    return values;
  }

  #setKeys(data: SignalDataSet): Promise<void> {
    const { [RECEIVED]: received = {}, ...keys } = data as KeysAndMessages;
    const entries = Object.entries(keys).flatMap(([type, values]) =>
      Object.entries(values ?? {}).map(([id, value]) => [keyName(type, id), value as unknown] as const),
    );
    const present = entries.filter(([, value]) => value !== null && value !== undefined);
    const absent = entries.filter(([, value]) => value === null || value === undefined);
    return this.#commit(
      { puts: present.map(([key, value]) => [key, encode(value)]), deletes: absent.map(([key]) => key) },
      Object.values(received),
    );
  }

  #commit(change: AuthChange, received: readonly ReceivedMessage[]): Promise<void> {
    return this.#write(() => this.#storage.commit(this.#botId, change, received));
  }

  async #read(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    this.#assertOpen();
    return this.#guarded(() => this.#storage.readAuth(this.#botId, keys));
  }

  #write(write: () => Promise<void>): Promise<void> {
    const written = this.#tail.then(() => {
      this.#assertOpen();
      return this.#guarded(write);
    });
    this.#tail = written.catch(() => {});
    return written;
  }

  async #guarded<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      this.#closed = true;
      this.#onFailure(error);
      throw error;
    }
  }

  #assertOpen(): void {
    if (this.#closed)
      throw new DragomanError('link_closed', 'expected an open connection, got one that has ended');
  }
}

type KeysAndMessages = SignalDataSet & {
  readonly [RECEIVED]?: Readonly<Record<string, ReceivedMessage>>;
};

/**
 * Messages dressed as Signal keys. Set inside a transaction of Baileys, they stay with the keys that the transaction
 * changes, and reach `AuthState` in the same `set`: that is J1.
 */
export function asKeys(received: readonly ReceivedMessage[]): SignalDataSet {
  const byId = Object.fromEntries(received.map((message) => [JSON.stringify(message.key), message]));
  const keys: KeysAndMessages = { [RECEIVED]: byId };
  return keys;
}

const keyName = (type: string, id: string): string => `${type}:${id}`;
const encode = (value: unknown): string => JSON.stringify(value, BufferJSON.replacer);

function decodeKey<T extends keyof SignalDataTypeMap>(type: T, text: string): SignalDataTypeMap[T] {
  const value = JSON.parse(text, BufferJSON.reviver);
  return type === 'app-state-sync-key' ? proto.Message.AppStateSyncKeyData.fromObject(value) : value;
}
