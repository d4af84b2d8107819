import { AsyncLocalStorage } from 'node:async_hooks';
import type { SignalDataSet, SignalKeyStore, SignalKeyStoreWithTransaction } from '@whiskeysockets/baileys';

/**
 * The steps of the ratchets that encrypt. Baileys encrypts and sends within one transaction, which commits the step when
 * the ciphertext is on its way: after a crash in between, the next text would have the key of this one, and be read by
 * nobody.
 *   E1 What an encryption changes is on the disk before anybody has its ciphertext; a failed write fails the encryption.
 *   E2 The transaction around it has the change as well: what it encrypts next goes on from there.
 */
export class SendingRatchet {
  readonly #store: Pick<SignalKeyStore, 'set'>;
  readonly #changes = new AsyncLocalStorage<SignalDataSet[]>();

  /** `store`: where a `set` is durable, in a transaction or not. */
  constructor(store: Pick<SignalKeyStore, 'set'>) {
    this.#store = store;
  }

  /** `keys` for whatever encrypts. */
  watched(keys: SignalKeyStoreWithTransaction): SignalKeyStoreWithTransaction {
    return {
      ...keys,
      set: async (data) => {
        await keys.set(data);
        this.#changes.getStore()?.push(data);
      },
    };
  }

  async step<T>(keys: SignalKeyStoreWithTransaction, encrypt: () => Promise<T>): Promise<T> {
    // A transaction of its own commits before it resolves.
    if (!keys.isInTransaction()) return encrypt();
    const changes: SignalDataSet[] = [];
    const ciphertext = await this.#changes.run(changes, encrypt);
    for (const change of changes) await this.#store.set(change);
    return ciphertext;
  }
}
