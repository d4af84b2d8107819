import { createDecipheriv, createHash } from 'node:crypto';
import { type Damage, damaged, type Intact, isDigest, mediaKeys, type MediaProof } from './media-proof.ts';

/** What a ciphertext says (AES-256-CBC), and whether that is the file that the message names. */
export class MediaContent {
  readonly #proof: MediaProof;
  readonly #decipher;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(proof: MediaProof) {
    const { iv, cipherKey } = mediaKeys(proof);
    this.#proof = proof;
    this.#decipher = createDecipheriv('aes-256-cbc', cipherKey, iv);
  }

  update(ciphertext: Uint8Array): Buffer {
    return this.#hashed(this.#decipher.update(ciphertext));
  }

  end(): Intact | Damage {
    const lastBytes = this.#final();
    if (lastBytes === null) return damaged('bad_content');
    const { fileSha256, declaredBytes } = this.#proof;
    const digest = this.#hash.digest();
    if (fileSha256 !== null && !isDigest(digest, fileSha256)) return damaged('bad_hash');
    if (fileSha256 === null && declaredBytes !== null && declaredBytes !== this.#bytes) {
      return damaged('bad_content');
    }
    return { kind: 'intact', lastBytes, sha256: digest.toString('hex') };
  }

  #final(): Buffer | null {
    try {
      return this.#hashed(this.#decipher.final());
    } catch {
      return null;
    }
  }

  #hashed(bytes: Buffer): Buffer {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    return bytes;
  }
}
