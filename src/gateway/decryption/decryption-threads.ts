import { Worker } from 'node:worker_threads';
import { describeError, DragomanError } from '../../base/errors.ts';
import { BatchRing } from './batch-ring.ts';
import { CiphertextBatches } from './ciphertext-batches.ts';
import type { Damage, Intact, MediaProof } from './media-proof.ts';
import type { DecryptionAnswer, DecryptionOrder, ThreadRole } from './messages.ts';

/** Enough that neither side waits for the other at each batch. A file's memory is twice this. */
const BATCHES = 5;

const ROLES: readonly ThreadRole[] = ['seal', 'content'];

/** A file on its way through the threads. */
export interface ThreadedDecryption {
  /** Takes what came next, in full before the next call; resolves to what is decrypted by now, often nothing. */
  update(chunk: Uint8Array): Promise<Uint8Array>;
  /** Nothing follows. `rest` is what was decrypted and not given out yet; the end's `lastBytes` come after it. */
  end(): Promise<{ readonly rest: readonly Uint8Array[]; readonly end: Intact | Damage }>;
  /** Lets go of it, ended or not. */
  drop(): void;
}

/**
 * Decrypts files as `MediaDecryption` does, in two threads: one proves the ciphertext, one decrypts it and hashes what it
 * says, so that receiving a file and computing over it share the cores that there are.
 *   H1 Two threads for all files; they start with the first one, and again after one has died.
 *   H2 Of each file at most `BATCHES` batches are on their way, whatever its length.
 *   H3 When a thread dies, every file in it fails; none waits for ever.
 */
export class DecryptionThreads {
  readonly #files = new Map<number, File>();
  #workers: readonly Worker[] = [];
  #lastFile = 0;
  #closed = false;

  begin(proof: MediaProof): ThreadedDecryption {
    if (this.#closed) throw new DragomanError('aborted', 'expected a running gateway to decrypt for');
    if (this.#workers.length === 0) this.#workers = this.#start();
    const workers = this.#workers;
    this.#lastFile += 1;
    const number = this.#lastFile;
    const tell = (order: DecryptionOrder): void => workers.forEach((worker) => worker.postMessage(order));
    const ring = BatchRing.of(BATCHES);
    tell({ kind: 'begin', file: number, proof, ring: ring.memory });
    const file = new File({ number, ring, tell, forget: () => this.#files.delete(number) });
    this.#files.set(number, file);
    return file;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #start(): readonly Worker[] {
    const script = new URL('thread-script.ts', import.meta.url);
    const workers = ROLES.map((role) => new Worker(script, { workerData: role }));
    for (const worker of workers) {
      // A download under way keeps the process alive by its socket.
      worker.unref();
      worker.on('message', (answer: DecryptionAnswer) => this.#files.get(answer.file)?.answered(answer));
      worker.on('error', (error) => this.#died(workers, error));
      worker.on('exit', () => this.#died(workers, null));
    }
    return workers;
  }

  /** One without the other is of no use. */
  #died(workers: readonly Worker[], error: unknown): void {
    if (this.#workers !== workers) return;
    this.#workers = [];
    for (const worker of workers) void worker.terminate();
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const file of files) file.failed(error);
  }
}

interface FileOptions {
  readonly number: number;
  readonly ring: BatchRing;
  readonly tell: (order: DecryptionOrder) => void;
  readonly forget: () => void;
}

class File implements ThreadedDecryption {
  readonly #options: FileOptions;
  readonly #batches: CiphertextBatches<SharedArrayBuffer>;
  #begun = 0;
  /** How many batches each thread is done with. */
  readonly #done = { proved: 0, decrypted: 0 };
  #plain: Uint8Array[] = [];
  #seal: { readonly damage: Damage | null } | null = null;
  #content: Intact | Damage | null = null;
  #failure: DragomanError | null = null;
  #news = Promise.withResolvers<void>();

  constructor(options: FileOptions) {
    this.#options = options;
    this.#batches = new CiphertextBatches(() => {
      this.#begun += 1;
      return options.ring.next();
    });
  }

  async update(chunk: Uint8Array): Promise<Uint8Array> {
    for (let rest = chunk; rest.length > 0;) {
      while (this.#inUse() === BATCHES) await this.#untilNews();
      const filled = this.#batches.fill(rest);
      rest = filled.rest;
      if (filled.isFull) this.#handOver();
    }
    return this.#plain.shift() ?? new Uint8Array();
  }

  async end(): Promise<{ readonly rest: readonly Uint8Array[]; readonly end: Intact | Damage }> {
    this.#handOver();
    this.#options.tell({ kind: 'end', file: this.#options.number, tag: this.#batches.tag() });
    while (this.#seal === null || this.#content === null) await this.#untilNews();
    return { rest: this.#plain, end: this.#seal.damage ?? this.#content };
  }

  drop(): void {
    this.#options.forget();
    if (this.#failure === null) this.#options.tell({ kind: 'drop', file: this.#options.number });
  }

  answered(answer: DecryptionAnswer): void {
    switch (answer.kind) {
      case 'proved':
        this.#done.proved += 1;
        break;
      case 'decrypted':
        this.#done.decrypted += 1;
        if (answer.plain.length > 0) this.#plain.push(answer.plain);
        break;
      case 'sealed':
        this.#seal = answer;
        break;
      case 'ended':
        this.#content = answer.end;
    }
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  failed(error: unknown): void {
    const reason = error === null ? 'it ended' : describeError(error);
    this.#failure = new DragomanError('worker_died', `a decrypting thread died: ${reason}`);
    this.#news.resolve();
  }

  #handOver(): void {
    if (this.#failure !== null) throw this.#failure;
    const batch = this.#batches.take();
    if (batch !== null)
      this.#options.tell({ kind: 'update', file: this.#options.number, bytes: batch.length });
  }

  /** Batches that are being filled, or that a thread is not done with. */
  #inUse(): number {
    return this.#begun - Math.min(this.#done.proved, this.#done.decrypted);
  }

  async #untilNews(): Promise<void> {
    if (this.#failure === null) await this.#news.promise;
    if (this.#failure !== null) throw this.#failure;
  }
}
