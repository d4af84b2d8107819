import type { SignalRepository } from '@whiskeysockets/baileys';
import { RecentMap } from '../../base/recent-map.ts';
import type { StanzaAttributes } from './identity.ts';
import { decodeMessage } from './interpret.ts';
import { sentContent } from './unwrap.ts';

type ProcessSenderKey = SignalRepository['processSenderKeyDistributionMessage'];
type SenderKey = Parameters<ProcessSenderKey>[0];

const REMEMBERED_KEYS = 100;

/**
 * Learns the sender key that a message brings while it is decrypted, in the same transaction. Baileys learns it
 * afterwards, in one of its own: a crash in between would leave a ratchet that does not open that message again, and a
 * group whose messages do not decrypt before their sender was asked for them, and come late.
 */
export class SenderKeys {
  readonly #process: ProcessSenderKey;
  readonly #learnt = new RecentMap<string, true>(REMEMBERED_KEYS);

  constructor(process: ProcessSenderKey) {
    this.#process = process;
  }

  /** Call it inside the transaction that decrypted `plaintext`. */
  async learnFrom(attributes: StanzaAttributes, plaintext: Uint8Array): Promise<void> {
    const item = sentContent(decodeMessage(plaintext))?.senderKeyDistributionMessage;
    const authorJid = attributes['participant'] ?? attributes['from'];
    if (!item || authorJid === undefined) return;
    try {
      await this.process({ item, authorJid });
      this.#learnt.set(nameOf({ item, authorJid }), true);
    } catch {
      // A sender made it up. Baileys meets it again, and says so in its log.
    }
  }

  /** What Baileys asks for after the decryption: nothing is left to do for a key that is known. */
  async process(senderKey: SenderKey): Promise<void> {
    if (this.#learnt.get(nameOf(senderKey)) === undefined) await this.#process(senderKey);
  }
}

const nameOf = ({ item, authorJid }: SenderKey): string =>
  JSON.stringify([
    authorJid,
    item.groupId,
    Buffer.from(item.axolotlSenderKeyDistributionMessage ?? []).toString('base64'),
  ]);
