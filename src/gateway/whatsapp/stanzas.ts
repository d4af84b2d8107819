import type { BinaryNode } from '@whiskeysockets/baileys';
import type { StanzaAttributes } from './identity.ts';

/** The stanza that a payload came in. */
export interface Stanza {
  readonly attributes: StanzaAttributes;
  /** True when WhatsApp itself sent it, without Signal. */
  readonly plaintext: boolean;
}

/** Baileys ends its decryption with the padding taken off: the last byte says how many bytes that are. */
const SHORTEST_PADDING = Buffer.from([1]);

/** A plaintext as decryption gives it to Baileys. */
export const padded = (plaintext: Uint8Array): Uint8Array => Buffer.concat([plaintext, SHORTEST_PADDING]);

/**
 * Tells, for a ciphertext that the Signal repository is asked to decrypt, the stanza that it came in: Baileys passes
 * the buffer of the stanza itself, so a WeakMap finds it again.
 */
export class Stanzas {
  readonly #byPayload = new WeakMap<Uint8Array, Stanza>();

  /**
   * Notes a `<message>` stanza before Baileys sees it, and makes two changes to it. A `<plaintext>` child looks like
   * a ciphertext from then on, so that it takes the same way: through the Signal repository, to the disk, and only
   * then to the receipt. And the stanza is no longer marked as backlog, which Baileys would put in a queue of its
   * own, where live messages overtake it; `attributes` are those from before. Returns whether the stanza has any content.
   */
  note(node: BinaryNode, attributes: StanzaAttributes): boolean {
    delete node.attrs['offline'];
    if (!Array.isArray(node.content)) return false;
    let hasContent = false;
    for (const child of node.content) {
      if (!(child.content instanceof Uint8Array)) continue;
      if (child.tag === 'plaintext') {
        child.tag = 'enc';
        child.attrs = { type: 'msg' };
        child.content = padded(child.content);
        this.#byPayload.set(child.content, { attributes, plaintext: true });
        hasContent = true;
      } else if (child.tag === 'enc') {
        this.#byPayload.set(child.content, { attributes, plaintext: false });
        hasContent = true;
      }
    }
    return hasContent;
  }

  of(payload: Uint8Array): Stanza | null {
    return this.#byPayload.get(payload) ?? null;
  }
}
