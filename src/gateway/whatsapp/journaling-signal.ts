import {
  DEFAULT_CONNECTION_CONFIG,
  MISSING_KEYS_ERROR_TEXT,
  type SignalKeyStore,
  type SignalKeyStoreWithTransaction,
  type SocketConfig,
  unpadRandomMax16,
} from '@whiskeysockets/baileys';
import { describeError, DragomanError } from '../../base/errors.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { isMessage, type ReceivedMessage, type ReceivedStanza } from '../received.ts';
import { asKeys } from './auth-state.ts';
import type { StanzaAttributes } from './identity.ts';
import { SenderKeys } from './sender-keys.ts';
import { SendingRatchet } from './sending-ratchet.ts';
import { padded, type Stanzas } from './stanzas.ts';

/** How libsignal's group cipher begins to say it; for a chat of two Baileys has the text as a constant. */
const USED_GROUP_KEY = 'Received message with old counter';

const CACHED_ADDRESSES = 20_000;

export interface Journaling {
  readonly stanzas: Stanzas;
  /** What a decrypted stanza brings. Rejects only when the storage fails. */
  interpret(attributes: StanzaAttributes, plaintext: Uint8Array): Promise<readonly ReceivedStanza[]>;
  /** Remembers durably that the stanza's content is still missing. Never rejects. */
  expectContent(attributes: StanzaAttributes): Promise<void>;
  /** Messages are durable now. */
  received(messages: readonly ReceivedMessage[]): void;
}

/** What is done about the history that a decrypted stanza of the account's own phone announces. */
export interface HistoryKeeping {
  /** Notes, among the keys that the decryption changes, that the history is still to be taken. */
  remember(
    attributes: StanzaAttributes,
    plaintext: Uint8Array,
    keys: Pick<SignalKeyStoreWithTransaction, 'get' | 'set'>,
  ): Promise<void>;
  /** The plaintext as Baileys is to have it: any other than of such a stanza as it is. Never rejects. */
  forBaileys(attributes: StanzaAttributes, plaintext: Uint8Array): Promise<Uint8Array>;
}

/**
 * Baileys' Signal repository, with the journal inside its transactions. Baileys sends the receipt after decryption has
 * returned, so by then the message must be on the disk; and it must get there together with the ratchet's step, or a
 * crash in between leaves a message that never decrypts again.
 *
 *   R1 The keys that a decryption changes, the sender keys and the messages that it brings are one `keys.set`:
 *      transactions of Baileys nest into the outermost one, which commits them all when its work is done.
 *   R2 A decryption resolves only when that commit has; a failed commit fails it.
 *   R3 A decryption that fails, other than at a second delivery, is remembered durably before Baileys asks the sender
 *      to send the message again.
 *   R4 An encryption resolves only when its step of the ratchet is durable, and no decryption undoes it (E1, E3). `store`
 *      is the one beneath Baileys' transactions.
 */
export function journalingSignal(
  store: Pick<SignalKeyStore, 'get' | 'set'>,
  journaling: Journaling,
  history: HistoryKeeping,
): SocketConfig['makeSignalRepository'] {
  return (auth, logger, pnToLid) => {
    const { keys } = auth;
    if (!('transaction' in keys)) {
      throw new DragomanError('invariant_broken', 'expected Baileys to give its key store transactions');
    }
    const sending = new SendingRatchet(store);
    const signal = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(
      { ...auth, keys: sending.watched(keys) },
      logger,
      pnToLid,
    );
    boundAddressCache(signal.lidMapping);
    const senderKeys = new SenderKeys((senderKey) => signal.processSenderKeyDistributionMessage(senderKey));

    const journaled = async (
      payload: Uint8Array,
      lock: string,
      decrypt: () => Promise<Uint8Array>,
      alone: Alone = (work) => work(),
    ): Promise<Uint8Array> => {
      const stanza = journaling.stanzas.of(payload);
      if (stanza === null) return alone(decrypt);
      const { attributes, plaintext } = stanza;
      try {
        const decryptStanza = plaintext ? () => Promise.resolve(payload) : decrypt;
        const services = { journaling, history, keys, senderKeys };
        const decrypted = await alone(() => decryptInto(services, lock, attributes, decryptStanza));
        return padded(await history.forBaileys(attributes, decrypted));
      } catch (error) {
        if (!isSecondDelivery(error)) await journaling.expectContent(attributes);
        throw error;
      }
    };

    return {
      ...signal,
      processSenderKeyDistributionMessage: (senderKey) => senderKeys.process(senderKey),
      decryptMessage: (options) =>
        journaled(
          options.ciphertext,
          options.jid,
          () => signal.decryptMessage(options),
          (work) => sending.alone(options.jid, work),
        ),
      decryptGroupMessage: (options) =>
        journaled(options.msg, options.group, () => signal.decryptGroupMessage(options)),
      encryptMessage: (options) =>
        sending.alone(options.jid, () => sending.step(keys, () => signal.encryptMessage(options))),
      encryptGroupMessage: (options) => sending.step(keys, () => signal.encryptGroupMessage(options)),
    };
  };
}

/** Baileys keeps every pair of addresses for three days, each with two timers: a million strangers would be gigabytes. */
function boundAddressCache(lidMapping: object): void {
  if (!Reflect.has(lidMapping, 'mappingCache')) {
    throw new DragomanError('invariant_broken', 'expected Baileys to keep addresses in `mappingCache`');
  }
  Reflect.set(lidMapping, 'mappingCache', new RecentMap<string, string>(CACHED_ADDRESSES));
}

/**
 * Whether a decryption failed because its key was used before. By R1 whatever that decryption brought is on the disk,
 * so nothing is missing.
 */
function isSecondDelivery(error: unknown): boolean {
  const message = describeError(error);
  return message === MISSING_KEYS_ERROR_TEXT || message.startsWith(USED_GROUP_KEY);
}

/** Runs something while nothing else steps the ratchet that it steps. */
type Alone = <T>(work: () => Promise<T>) => Promise<T>;

interface Services {
  readonly journaling: Journaling;
  readonly history: HistoryKeeping;
  readonly keys: SignalKeyStoreWithTransaction;
  readonly senderKeys: SenderKeys;
}

/** Resolves to the plaintext, without its padding. */
async function decryptInto(
  { journaling, history, keys, senderKeys }: Services,
  lock: string,
  attributes: StanzaAttributes,
  decrypt: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  let brought: readonly ReceivedStanza[] = [];
  const plaintext = await keys.transaction(async () => {
    const decrypted = unpadRandomMax16(await decrypt());
    await senderKeys.learnFrom(attributes, decrypted);
    brought = await journaling.interpret(attributes, decrypted);
    if (brought.length > 0) await keys.set(asKeys(brought));
    await history.remember(attributes, decrypted, keys);
    return decrypted;
  }, lock);
  const messages = brought.filter(isMessage);
  if (messages.length > 0) journaling.received(messages);
  return plaintext;
}
