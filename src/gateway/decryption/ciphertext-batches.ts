/** The end of every media file: the first bytes of its MAC. */
export const MAC_BYTES = 10;
/** Hashing, decrypting and writing are paid for by the call. */
export const BATCH_BYTES = 512 * 1024;

/**
 * Gathers a media file into batches of ciphertext as it streams by, and keeps back the bytes that are its MAC if nothing
 * follows. Buffers of `BATCH_BYTES` are asked of `nextBuffer`, one for each batch and not before its first byte is there.
 */
export class CiphertextBatches<B extends ArrayBufferLike> {
  readonly #nextBuffer: () => Uint8Array<B>;
  #buffer: Uint8Array<B> | null = null;
  #filled = 0;
  #keptBack = new Uint8Array();

  constructor(nextBuffer: () => Uint8Array<B>) {
    this.#nextBuffer = nextBuffer;
  }

  /** Takes from `chunk` what the batch has room for. One that is full is to be taken before the next call. */
  fill(chunk: Uint8Array): { readonly rest: Uint8Array; readonly isFull: boolean } {
    const buffer = (this.#buffer ??= this.#begin());
    const taken = chunk.subarray(0, BATCH_BYTES - this.#filled);
    buffer.set(taken, this.#filled);
    this.#filled += taken.length;
    return { rest: chunk.subarray(taken.length), isFull: this.#filled === BATCH_BYTES };
  }

  /** What was gathered, but for what may be the MAC; null when there is nothing. */
  take(): Uint8Array<B> | null {
    const buffer = this.#buffer;
    if (buffer === null) return null;
    const cut = Math.max(this.#filled - MAC_BYTES, 0);
    this.#keptBack = Uint8Array.from(buffer.subarray(cut, this.#filled));
    this.#buffer = null;
    return cut === 0 ? null : buffer.subarray(0, cut);
  }

  /** What is kept back now that everything was taken; shorter than a MAC where the file was. */
  tag(): Uint8Array {
    return this.#keptBack;
  }

  #begin(): Uint8Array<B> {
    const buffer = this.#nextBuffer();
    buffer.set(this.#keptBack);
    this.#filled = this.#keptBack.length;
    return buffer;
  }
}
