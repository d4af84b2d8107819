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
import type { ReceivedStanza } from '../received.ts';
import type { AuthChange, SessionStorage, UndecryptableMessage } from '../session.ts';

const CREDS_KEY = 'creds';
const RECEIVED = 'received';
const HISTORY = 'history-sync';
const PENDING = 'pending';

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
  loadCreds(): Promise<AuthenticationCreds> {
    return this.#read([CREDS_KEY], (texts) => {
      const text = texts.get(CREDS_KEY);
      if (text === undefined) return initAuthCreds();
      const creds = decode<AuthenticationCreds>(CREDS_KEY, text);
      return creds.account === undefined ? initAuthCreds() : creds;
    });
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

  #getKeys<T extends keyof SignalDataTypeMap>(
    type: T,
    ids: readonly string[],
  ): Promise<Record<string, SignalDataTypeMap[T]>> {
    const names = ids.map((id) => keyName(type, id));
    return this.#read(names, (texts) => {
      const values: Record<string, SignalDataTypeMap[T]> = {};
      for (const id of ids) {
        const text = texts.get(keyName(type, id));
        if (text !== undefined) values[id] = decodeKey(type, text);
      }
      return values;
    });
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

  #commit(change: AuthChange, received: readonly ReceivedStanza[]): Promise<void> {
    return this.#write(() => this.#storage.commit(this.#botId, change, received));
  }

  /** What cannot be decoded is a read error too. */
  async #read<T>(keys: readonly string[], decodeAll: (texts: ReadonlyMap<string, string>) => T): Promise<T> {
    this.#assertOpen();
    return this.#guarded(async () => decodeAll(await this.#storage.readAuth(this.#botId, keys)));
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
    if (!this.#closed) return;
    throw new DragomanError('link_closed', 'expected an open connection, got one that has ended');
  }
}

type KeysAndMessages = SignalDataSet & {
  readonly [RECEIVED]?: Readonly<Record<string, ReceivedStanza>>;
};

/**
 * Stanzas dressed as Signal keys. Set inside a transaction of Baileys, they stay with the keys that the transaction
 * changes, and reach `AuthState` in the same `set`: that is J1.
 */
export function asKeys(received: readonly ReceivedStanza[]): SignalDataSet {
  const byId = Object.fromEntries(received.map((stanza) => [JSON.stringify(stanza.key), stanza]));
  const keys: KeysAndMessages = { [RECEIVED]: byId };
  return keys;
}

/** A part of the phone's history that is not taken yet. */
export interface PendingHistory {
  /** The encoded `proto.Message.HistorySyncNotification`, as base64. */
  readonly notification: string;
  /** Epoch milliseconds. */
  readonly announcedAt: number;
}

/** What is pending, in the order of its announcement. */
export async function pendingHistory(keys: Pick<SignalKeyStore, 'get'>): Promise<readonly PendingHistory[]> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- kept among the Signal keys, and none of them
  const found = (await keys.get(HISTORY as keyof SignalDataTypeMap, [PENDING])) as {
    readonly [PENDING]?: readonly PendingHistory[];
  };
  return found[PENDING] ?? [];
}

/** All that is pending from now on, dressed as Signal keys for the same reason as `asKeys` has. */
export function asPendingHistory(pending: readonly PendingHistory[]): SignalDataSet {
  const keys: object = { [HISTORY]: { [PENDING]: pending.length === 0 ? null : pending } };
  return keys;
}

const keyName = (type: string, id: string): string => `${type}:${id}`;
const encode = (value: unknown): string => JSON.stringify(value, BufferJSON.replacer);

/** Rejects what is no JSON without showing any of it: there are private keys in there. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the key says what its value is
function decode<T>(key: string, text: string): T {
  try {
    return JSON.parse(text, BufferJSON.reviver);
  } catch {
    throw new DragomanError('store_corrupt', `expected JSON as the value of a ${key}`);
  }
}

function decodeKey<T extends keyof SignalDataTypeMap>(type: T, text: string): SignalDataTypeMap[T] {
  const value = decode<SignalDataTypeMap[T]>(type, text);
  if (type !== 'app-state-sync-key') return value;
  const revived: unknown = proto.Message.AppStateSyncKeyData.fromObject(Object(value));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- T is 'app-state-sync-key' here
  return revived as SignalDataTypeMap[T];
}
