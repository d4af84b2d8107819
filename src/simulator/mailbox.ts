import type { BinaryNode } from '@whiskeysockets/baileys';

/** A message stanza for one linked device, and the way to encrypt the same message for it once more. */
export interface Envelope {
  readonly stanza: BinaryNode;
  /** The same message under the same id, in a fresh session; `receipt` may bring keys for it. */
  reseal(receipt: BinaryNode, attempt: number): Promise<BinaryNode>;
}

/** Which message a stanza, a receipt or an acknowledgement is about. */
export interface MessageReference {
  readonly chat: string;
  readonly participant: string;
  readonly id: string;
}

export type RetryDecision =
  | { readonly kind: 'granted'; readonly envelope: Envelope; readonly attempt: number }
  | { readonly kind: 'exhausted'; readonly attempt: number }
  | { readonly kind: 'unknown' };

/** As often as phones send one message again. */
const MAX_RETRIES = 5;

interface Entry {
  envelope: Envelope;
  retries: number;
  /** A retry receipt is followed by an error acknowledgement, which says nothing new. */
  refusalExpected: boolean;
}

/**
 * The messages that WhatsApp still owes one linked device.
 *
 *   B1 A message stays until the device gives its receipt or refuses it.
 *   B2 Messages are in post order; one that is sealed again keeps its place.
 *   B3 The refusal that follows a retry receipt removes nothing.
 */
export class Mailbox {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  post(envelope: Envelope): void {
    this.#entries.set(referenceText(referenceOf(envelope.stanza)), {
      envelope,
      retries: 0,
      refusalExpected: false,
    });
  }

  /** What is to be delivered at a login. Refusals of the connection before are not expected any more. */
  redeliver(): BinaryNode[] {
    return [...this.#entries.values()].map((entry) => {
      entry.refusalExpected = false;
      return entry.envelope.stanza;
    });
  }

  /** Removes what the device has received; false when it was not owed. */
  receive(reference: MessageReference): boolean {
    return this.#entries.delete(referenceText(reference));
  }

  /** Removes what the device refused for good; false when the refusal only follows a retry receipt. */
  refuse(reference: MessageReference): boolean {
    const entry = this.#entries.get(referenceText(reference));
    if (!entry) return false;
    if (entry.refusalExpected) {
      entry.refusalExpected = false;
      return false;
    }
    return this.#entries.delete(referenceText(reference));
  }

  retry(reference: MessageReference): RetryDecision {
    const entry = this.#entries.get(referenceText(reference));
    if (!entry) return { kind: 'unknown' };
    entry.refusalExpected = true;
    entry.retries += 1;
    return entry.retries > MAX_RETRIES
      ? { kind: 'exhausted', attempt: entry.retries }
      : { kind: 'granted', envelope: entry.envelope, attempt: entry.retries };
  }

  /** Puts a newly sealed stanza in the place of the old one; false when that was received in the meantime. */
  replace(stanza: BinaryNode): boolean {
    const entry = this.#entries.get(referenceText(referenceOf(stanza)));
    if (!entry) return false;
    entry.envelope = { ...entry.envelope, stanza };
    return true;
  }
}

/** The message of a `<message>`, or of a `<receipt>` or `<ack>` about one. */
export function referenceOf({ tag, attrs }: BinaryNode): MessageReference {
  const peer = tag === 'message' ? attrs['from'] : attrs['to'];
  // A message of the account's own phone names its chat as recipient, and so do the answers to it.
  const recipient = attrs['recipient'];
  return {
    chat: recipient ?? peer ?? '',
    participant: recipient ? '' : (attrs['participant'] ?? ''),
    id: attrs['id'] ?? '',
  };
}

/** The same text for the same message, and for no other. */
export const referenceText = ({ chat, participant, id }: MessageReference): string =>
  JSON.stringify([chat, participant, id]);
