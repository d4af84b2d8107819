import { createHash, createHmac, type Hash, timingSafeEqual } from 'node:crypto';
import { MAC_BYTES } from './ciphertext-batches.ts';
import { type Damage, damaged, isDigest, mediaKeys, type MediaProof } from './media-proof.ts';

const BLOCK_BYTES = 16;

/** Whether a ciphertext is the one that the sender made: its MAC, an HMAC-SHA-256 over IV and ciphertext, cut short. */
export class MediaSeal {
  readonly #fileEncSha256: string | null;
  readonly #mac;
  /** Null where the file's own hash decides. */
  readonly #cipherHash: Hash | null;
  #bytes = 0;

  constructor(proof: MediaProof) {
    const { iv, macKey } = mediaKeys(proof);
    this.#fileEncSha256 = proof.fileEncSha256;
    this.#mac = createHmac('sha256', macKey).update(iv);
    const needsCipherHash = proof.fileSha256 === null && proof.fileEncSha256 !== null;
    this.#cipherHash = needsCipherHash ? createHash('sha256') : null;
  }

  update(ciphertext: Uint8Array): void {
    this.#mac.update(ciphertext);
    this.#cipherHash?.update(ciphertext);
    this.#bytes += ciphertext.length;
  }

  end(tag: Uint8Array): Damage | null {
    const cipherDigest = this.#cipherHash?.update(tag).digest();
    if (tag.length < MAC_BYTES || this.#bytes === 0 || this.#bytes % BLOCK_BYTES !== 0) {
      return damaged('truncated');
    }
    if (!timingSafeEqual(this.#mac.digest().subarray(0, MAC_BYTES), tag)) return damaged('bad_mac');
    const isOther = cipherDigest !== undefined && !isDigest(cipherDigest, this.#fileEncSha256);
    return isOther ? damaged('bad_hash') : null;
  }
}
