import { AsyncLocalStorage } from 'node:async_hooks';
import {
  jidDecode,
  type SignalDataSet,
  type SignalKeyStore,
  type SignalKeyStoreWithTransaction,
} from '@whiskeysockets/baileys';
import { Lanes } from '../../base/lanes.ts';

/**
 * The steps of the ratchets that encrypt. Baileys encrypts and sends within one transaction, which commits the step when
 * the ciphertext is on its way: after a crash in between, the next text would have the key of this one, and be read by
 * nobody. So it would when what another transaction had decrypted meanwhile were committed over it.
 *   E1 What an encryption changes is on the disk before anybody has its ciphertext; a failed write fails the encryption.
 *   E2 The transaction around it has the change as well: what it encrypts next goes on from there.
 *   E3 Of a device, nothing is decrypted and committed while something is encrypted for it, nor the other way round.
 */
export class SendingRatchet {
  /** Beneath Baileys' transactions. */
  readonly #store: Pick<SignalKeyStore, 'get' | 'set'>;
  readonly #changes = new AsyncLocalStorage<SignalDataSet[]>();
  readonly #devices = new Lanes();

  constructor(store: Pick<SignalKeyStore, 'get' | 'set'>) {
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

  /** Runs what steps the ratchet between this account and a device, and commits that, while nothing else does. */
  async alone<T>(jid: string, work: () => Promise<T>): Promise<T> {
    return this.#devices.run([await this.#deviceOf(jid)], work);
  }

  /** The same for either address of a person, as Baileys keeps one ratchet for both. */
  async #deviceOf(jid: string): Promise<string> {
    const { user = jid, device = 0, server } = jidDecode(jid) ?? {};
    if (server === 'lid' || server === 'hosted.lid') return `${user}.${device}`;
    const { [user]: lid = user } = await this.#store.get('lid-mapping', [user]);
    return `${lid}.${device}`;
  }
}
