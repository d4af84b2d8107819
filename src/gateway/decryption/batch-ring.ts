import { BATCH_BYTES } from './ciphertext-batches.ts';

/** A memory of some batches' size that several threads go round in step: what one fills, the others read. */
export class BatchRing {
  readonly memory: SharedArrayBuffer;
  #next = 0;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
  }

  static of(batches: number): BatchRing {
    return new BatchRing(new SharedArrayBuffer(batches * BATCH_BYTES));
  }

  /** The room of the next batch. */
  next(): Uint8Array<SharedArrayBuffer> {
    const room = new Uint8Array(this.memory, this.#next, BATCH_BYTES);
    this.#next = (this.#next + BATCH_BYTES) % this.memory.byteLength;
    return room;
  }
}
