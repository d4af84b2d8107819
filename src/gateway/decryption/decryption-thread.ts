import { Worker } from 'node:worker_threads';
import { describeError, DragomanError } from '../../base/errors.ts';
import type { DecryptionEnd, MediaProof } from './media-decryption.ts';
import type { DecryptionAnswer, DecryptionOrder } from './messages.ts';

/** As `MediaDecryption` works: what it gives back then costs no copy. */
const BATCH_BYTES = 512 * 1024;
/** Enough that neither side waits for the other at each batch; a file's memory is this many batches, twice. */
const BATCHES_AHEAD = 4;

type Tell = (order: DecryptionOrder, handedOver?: readonly ArrayBuffer[]) => void;

/** A file on its way through the thread. */
export interface ThreadedDecryption {
  /** Takes what came next, in full before the next call; resolves to what is decrypted by now, often nothing. */
  update(chunk: Uint8Array): Promise<Uint8Array>;
  /** Nothing follows. `rest` is what was decrypted and not given out yet; the end's `lastBytes` come after it. */
  end(): Promise<{ readonly rest: readonly Uint8Array[]; readonly end: DecryptionEnd }>;
  /** Lets go of it, ended or not. */
  drop(): void;
}

/**
 * Decrypts files in a thread, so that receiving one and computing over it share two cores.
 *   H1 One thread for all files; it starts with the first one, and again after it has died.
 *   H2 Of each file at most `BATCHES_AHEAD` batches are on their way, whatever its length.
 *   H3 When the thread dies, every file in it fails; none waits for ever.
 */
export class DecryptionThread {
  readonly #files = new Map<number, File>();
  #worker: Worker | null = null;
  #lastFile = 0;
  #closed = false;

  begin(proof: MediaProof): ThreadedDecryption {
    if (this.#closed) throw new DragomanError('aborted', 'expected a running gateway to decrypt for');
    const worker = (this.#worker ??= this.#start());
    this.#lastFile += 1;
    const number = this.#lastFile;
    const tell: Tell = (order, handedOver = []) => worker.postMessage(order, [...handedOver]);
    tell({ kind: 'begin', file: number, proof });
    const file = new File(number, tell, () => this.#files.delete(number));
    this.#files.set(number, file);
    return file;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('thread-script.ts', import.meta.url));
    // A download under way keeps the process alive by its socket.
    worker.unref();
    worker.on('message', (answer: DecryptionAnswer) => this.#files.get(answer.file)?.answered(answer));
    worker.on('error', (error) => this.#died(worker, error));
    worker.on('exit', () => this.#died(worker, null));
    return worker;
  }

  #died(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const file of files) file.failed(error);
  }
}

class File implements ThreadedDecryption {
  readonly #number: number;
  readonly #tell: Tell;
  readonly #forget: () => void;
  readonly #spare: ArrayBuffer[] = [];
  #plain: Uint8Array[] = [];
  #batch = new Uint8Array(BATCH_BYTES);
  #filled = 0;
  #onTheirWay = 0;
  #end: DecryptionEnd | null = null;
  #failure: DragomanError | null = null;
  #news = Promise.withResolvers<void>();

  constructor(number: number, tell: Tell, forget: () => void) {
    this.#number = number;
    this.#tell = tell;
    this.#forget = forget;
  }

  async update(chunk: Uint8Array): Promise<Uint8Array> {
    for (let rest = chunk; rest.length > 0;) {
      const taken = rest.subarray(0, BATCH_BYTES - this.#filled);
      this.#batch.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#filled === BATCH_BYTES) await this.#handOver();
    }
    return this.#plain.shift() ?? new Uint8Array();
  }

  async end(): Promise<{ readonly rest: readonly Uint8Array[]; readonly end: DecryptionEnd }> {
    if (this.#filled > 0) await this.#handOver();
    this.#tell({ kind: 'end', file: this.#number });
    let end = this.#end;
    for (; end === null; end = this.#end) await this.#untilNews();
    return { rest: this.#plain, end };
  }

  drop(): void {
    this.#forget();
    if (this.#failure === null) this.#tell({ kind: 'drop', file: this.#number });
  }

  answered(answer: DecryptionAnswer): void {
    if (answer.kind === 'ended') {
      this.#end = answer.end;
    } else {
      this.#onTheirWay -= 1;
      this.#spare.push(answer.batch);
      if (answer.plain.length > 0) this.#plain.push(answer.plain);
    }
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  failed(error: unknown): void {
    const reason = error === null ? 'it ended' : describeError(error);
    this.#failure = new DragomanError('worker_died', `the decrypting thread died: ${reason}`, {
      cause: error,
    });
    this.#news.resolve();
  }

  async #handOver(): Promise<void> {
    while (this.#onTheirWay >= BATCHES_AHEAD) await this.#untilNews();
    if (this.#failure !== null) throw this.#failure;
    const { buffer } = this.#batch;
    this.#onTheirWay += 1;
    this.#tell({ kind: 'update', file: this.#number, batch: buffer, bytes: this.#filled }, [buffer]);
    this.#batch = new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(BATCH_BYTES));
    this.#filled = 0;
  }

  async #untilNews(): Promise<void> {
    await this.#news.promise;
    if (this.#failure !== null) throw this.#failure;
  }
}
