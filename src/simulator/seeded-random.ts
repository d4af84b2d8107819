import { createCipheriv, createHash, type Cipheriv } from 'node:crypto';

const NO_IV = Buffer.alloc(16);

/**
 * Bytes that depend on nothing but a seed and a name: the key stream of AES-256-CTR. Streams of different
 * names are independent, so one person's messages do not depend on when another one speaks.
 */
export class SeededRandom {
  readonly #stream: Cipheriv;

  constructor(seed: string, name: string) {
    const key = createHash('sha256')
      .update(JSON.stringify([seed, name]))
      .digest();
    this.#stream = createCipheriv('aes-256-ctr', key, NO_IV);
  }

  bytes(count: number): Buffer {
    return this.#stream.update(Buffer.alloc(count));
  }

  /** `count` decimal digits. */
  digits(count: number): string {
    return Array.from(this.bytes(count), (byte) => byte % 10).join('');
  }

  /** A message id as Android phones make them. */
  messageId(): string {
    return `3A${this.bytes(9).toString('hex').toUpperCase()}`;
  }
}
