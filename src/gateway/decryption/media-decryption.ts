import { createDecipheriv, createHash, createHmac, type Hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { MediaCipher } from '../received.ts';

const BLOCK_BYTES = 16;
const MAC_BYTES = 10;
const MEDIA_KEY_BYTES = 32;
/** Hashing, decrypting and writing are paid for by the call. */
const BATCH_BYTES = 512 * 1024;

/** What encryption adds to a file at most: one block of padding and the MAC. */
export const ENCRYPTION_OVERHEAD_BYTES = BLOCK_BYTES + MAC_BYTES;

const HKDF_INFO: Readonly<Record<MediaProof['cipher'], string>> = {
  image: 'WhatsApp Image Keys',
  sticker: 'WhatsApp Image Keys',
  video: 'WhatsApp Video Keys',
  ptv: 'WhatsApp Video Keys',
  audio: 'WhatsApp Audio Keys',
  document: 'WhatsApp Document Keys',
  history: 'WhatsApp History Keys',
};

/** What proves that a medium is the right one. Hashes are base64; null where the message names none. */
export interface MediaProof {
  /** Base64, 32 bytes. */
  readonly mediaKey: string | null;
  readonly cipher: MediaCipher | 'history';
  readonly fileSha256: string | null;
  readonly fileEncSha256: string | null;
  readonly declaredBytes: number | null;
}

export type DecryptionEnd =
  | { readonly kind: 'intact'; readonly lastBytes: Uint8Array; readonly sha256: string }
  | { readonly kind: 'damaged'; readonly reason: 'truncated' | 'bad_mac' | 'bad_hash' | 'bad_content' };

/**
 * Decrypts one WhatsApp media file as it streams by: AES-256-CBC, then the first 10 bytes of an HMAC-SHA-256 over
 * IV and ciphertext (the scheme of WhatsApp's security white paper; keys by HKDF-SHA-256 from the media key).
 *   D1 What `update` returns is not verified yet: it may be written, not published, before `end` says `intact`.
 *   D2 `intact` means: MAC right, and the file's hash; where the message names none, the ciphertext's hash and the
 *      declared length, as far as it names them. Beside the file's hash they would prove nothing more.
 *   D3 Memory is one batch, whatever the file's length.
 */
export class MediaDecryption {
  readonly #proof: MediaProof;
  readonly #decipher;
  readonly #mac;
  /** Null where the file's own hash decides. */
  readonly #cipherHash: Hash | null;
  readonly #plainHash = createHash('sha256');
  /** What is not decrypted yet: its last bytes are the MAC if nothing follows. One buffer for the whole file, since
   * garbage costs as much as hashing. */
  readonly #batch = Buffer.allocUnsafe(BATCH_BYTES);
  #batchedBytes = 0;
  #cipherBytes = 0;
  #plainBytes = 0;

  private constructor(proof: MediaProof, mediaKey: Buffer) {
    const keys = Buffer.from(hkdfSync('sha256', mediaKey, Buffer.alloc(0), HKDF_INFO[proof.cipher], 112));
    const iv = keys.subarray(0, 16);
    this.#proof = proof;
    this.#decipher = createDecipheriv('aes-256-cbc', keys.subarray(16, 48), iv);
    this.#mac = createHmac('sha256', keys.subarray(48, 80)).update(iv);
    const needsCipherHash = proof.fileSha256 === null && proof.fileEncSha256 !== null;
    this.#cipherHash = needsCipherHash ? createHash('sha256') : null;
  }

  /** Null when the message carries no usable media key. */
  static begin(proof: MediaProof): MediaDecryption | null {
    return hasUsableKey(proof) ? new MediaDecryption(proof, keyIn(proof)) : null;
  }

  /** Takes what came next; returns what could be decrypted by now, often nothing. */
  update(chunk: Uint8Array): Buffer {
    const decrypted: Buffer[] = [];
    for (let rest = chunk; rest.length > 0;) {
      const taken = rest.subarray(0, this.#batch.length - this.#batchedBytes);
      this.#batch.set(taken, this.#batchedBytes);
      this.#batchedBytes += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#batchedBytes === this.#batch.length) decrypted.push(this.#decryptBatch());
    }
    const [first = Buffer.alloc(0), ...others] = decrypted;
    return others.length === 0 ? first : Buffer.concat(decrypted);
  }

  /** Nothing follows: what is left and not decrypted yet is `lastBytes`. */
  end(): DecryptionEnd {
    const { fileEncSha256 } = this.#proof;
    const rest = this.#decryptBatch();
    const tag = this.#batch.subarray(0, this.#batchedBytes);
    this.#cipherHash?.update(tag);
    if (tag.length < MAC_BYTES || this.#cipherBytes === 0 || this.#cipherBytes % BLOCK_BYTES !== 0) {
      return { kind: 'damaged', reason: 'truncated' };
    }
    if (!timingSafeEqual(this.#mac.digest().subarray(0, MAC_BYTES), tag)) {
      return { kind: 'damaged', reason: 'bad_mac' };
    }
    if (this.#cipherHash !== null && !isDigest(this.#cipherHash.digest(), fileEncSha256)) {
      return { kind: 'damaged', reason: 'bad_hash' };
    }
    const padded = this.#final();
    const lastBytes = padded === null ? null : Buffer.concat([rest, padded]);
    return lastBytes === null ? { kind: 'damaged', reason: 'bad_content' } : this.#judge(lastBytes);
  }

  /** Decrypts the batch but for what may be the MAC. */
  #decryptBatch(): Buffer {
    const cut = Math.max(this.#batchedBytes - MAC_BYTES, 0);
    const ciphertext = this.#batch.subarray(0, cut);
    this.#mac.update(ciphertext);
    this.#cipherHash?.update(ciphertext);
    const decrypted = this.#plain(this.#decipher.update(ciphertext));
    this.#batch.copyWithin(0, cut, this.#batchedBytes);
    this.#batchedBytes -= cut;
    this.#cipherBytes += cut;
    return decrypted;
  }

  #judge(lastBytes: Buffer): DecryptionEnd {
    const { fileSha256, declaredBytes } = this.#proof;
    const digest = this.#plainHash.digest();
    if (fileSha256 !== null && !isDigest(digest, fileSha256)) return { kind: 'damaged', reason: 'bad_hash' };
    if (fileSha256 === null && declaredBytes !== null && declaredBytes !== this.#plainBytes) {
      return { kind: 'damaged', reason: 'bad_content' };
    }
    return { kind: 'intact', lastBytes, sha256: digest.toString('hex') };
  }

  #final(): Buffer | null {
    try {
      return this.#plain(this.#decipher.final());
    } catch {
      return null;
    }
  }

  #plain(bytes: Buffer): Buffer {
    this.#plainHash.update(bytes);
    this.#plainBytes += bytes.length;
    return bytes;
  }
}

const keyIn = ({ mediaKey }: MediaProof): Buffer => Buffer.from(mediaKey ?? '', 'base64');

/** Whether a message carries what its medium can be decrypted with. */
export const hasUsableKey = (proof: MediaProof): boolean => keyIn(proof).length === MEDIA_KEY_BYTES;

const isDigest = (digest: Buffer, base64: string | null): boolean =>
  digest.equals(Buffer.from(base64 ?? '', 'base64'));
