import { BATCH_BYTES, CiphertextBatches, MAC_BYTES } from './ciphertext-batches.ts';
import { MediaContent } from './media-content.ts';
import { type Damage, hasUsableKey, type Intact, type MediaProof } from './media-proof.ts';
import { MediaSeal } from './media-seal.ts';

const BLOCK_BYTES = 16;

/** What encryption adds to a file at most: one block of padding and the MAC. */
export const ENCRYPTION_OVERHEAD_BYTES = BLOCK_BYTES + MAC_BYTES;

export type DecryptionEnd = Intact | Damage;

/**
 * Decrypts one WhatsApp media file as it streams by (the scheme of WhatsApp's security white paper).
 *   D1 What `update` returns is not verified yet: it may be written, not published, before `end` says `intact`.
 *   D2 `intact` means: MAC right, and the file's hash; where the message names none, the ciphertext's hash and the
 *      declared length, as far as it names them. Beside the file's hash they would prove nothing more.
 *   D3 Memory is one batch, whatever the file's length.
 */
export class MediaDecryption {
  readonly #seal: MediaSeal;
  readonly #content: MediaContent;
  readonly #batches: CiphertextBatches<ArrayBuffer>;

  private constructor(proof: MediaProof) {
    this.#seal = new MediaSeal(proof);
    this.#content = new MediaContent(proof);
    // One for the whole file, since garbage costs as much as hashing: a batch is done with before the next begins.
    const buffer = new Uint8Array(BATCH_BYTES);
    this.#batches = new CiphertextBatches(() => buffer);
  }

  /** Null when the message carries no usable media key. */
  static begin(proof: MediaProof): MediaDecryption | null {
    return hasUsableKey(proof) ? new MediaDecryption(proof) : null;
  }

  /** Takes what came next; returns what could be decrypted by now, often nothing. */
  update(chunk: Uint8Array): Buffer {
    const decrypted: Buffer[] = [];
    for (let rest = chunk; rest.length > 0;) {
      const filled = this.#batches.fill(rest);
      rest = filled.rest;
      if (filled.isFull) decrypted.push(this.#decryptBatch());
    }
    const [first = Buffer.alloc(0), ...others] = decrypted;
    return others.length === 0 ? first : Buffer.concat(decrypted);
  }

  /** Nothing follows: what is left and not decrypted yet is `lastBytes`. */
  end(): DecryptionEnd {
    const rest = this.#decryptBatch();
    const end = this.#seal.end(this.#batches.tag()) ?? this.#content.end();
    return end.kind === 'damaged' ? end : { ...end, lastBytes: Buffer.concat([rest, end.lastBytes]) };
  }

  #decryptBatch(): Buffer {
    const ciphertext = this.#batches.take();
    if (ciphertext === null) return Buffer.alloc(0);
    this.#seal.update(ciphertext);
    return this.#content.update(ciphertext);
  }
}
