import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../base/clock.ts';
import { DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { MediaOutcome } from '../media.ts';
import { checkedOutcome } from '../media-outcome.ts';
import { type ChildReply, childReply, type ChildRequest, type ProcessorModule } from './messages.ts';
import type { ProcessorTask } from './messages.ts';
import { endProcessGroup } from './process-group.ts';

export interface ProcessorChildOptions {
  readonly module: ProcessorModule;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long the module may take to load. */
  readonly loadMs: number;
  /** How long a job whose signal aborted may take to end. */
  readonly graceMs: number;
}

type Reply<Kind extends ChildReply['kind']> = Extract<ChildReply, { readonly kind: Kind }>;

const PROGRAM = fileURLToPath(new URL('./child-program.ts', import.meta.url));
/** Of what the child printed last, for the error that its end becomes. UTF-16 units. */
const MAX_LAST_WORDS = 2_000;

/**
 * A process that runs one processor module, and does one job at a time.
 *   C1 It is asked for one thing at a time, and every request ends: by its reply, or by `worker_died`.
 *   C2 A request that outlives its time is ended by SIGKILL, which reaches whatever the module has started.
 *   C3 It never outlives its parent, and never keeps it alive.
 */
export class ProcessorChild {
  readonly #options: ProcessorChildOptions;
  readonly #process: ChildProcess;
  readonly #ended = Promise.withResolvers<void>();
  #awaited: PromiseWithResolvers<ChildReply> | null = null;
  #hasEnded = false;
  #isLoaded = false;
  #lastWords = '';

  constructor(options: ProcessorChildOptions) {
    this.#options = options;
    const child = fork(PROGRAM, {
      // The head of a group of its own: a terminal's Ctrl-C is for Dragoman, which finishes what is in hand.
      detached: true,
      execArgv: [`--max-old-space-size=${options.module.maxMemoryMb}`],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const output of [child.stdout, child.stderr]) output?.on('data', (chunk) => this.#printed(chunk));
    child.on('message', (message) => this.#replied(message));
    child.once('disconnect', () => this.#kill());
    child.once('error', (error) => this.#onEnd(error.message));
    child.once('exit', (code, signal) => this.#onEnd(signal === null ? `exit code ${code}` : signal));
    child.unref();
    child.channel?.unref();
    this.#process = child;
  }

  /** Resolves when the process is gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get isIdle(): boolean {
    return this.#isLoaded && !this.#hasEnded && this.#awaited === null;
  }

  /** Loads the module. Rejects with `config_invalid` when it makes no processor, with `worker_died` when it takes too long. */
  async load(): Promise<void> {
    const { clock, loadMs, module } = this.#options;
    const tooLong = clock.schedule(loadMs, () => this.#kill());
    try {
      const reply = await this.#ask<Reply<'loaded' | 'refused'>>({ kind: 'load', module });
      if (reply.kind === 'refused') throw new DragomanError('config_invalid', reply.reason);
      this.#isLoaded = true;
    } finally {
      tooLong.cancel();
    }
  }

  /**
   * Does one job. When `signal` aborts, the module is told, and the process killed if the job goes on all the same.
   * Rejects with what the module threw, or with `worker_died`.
   */
  async perform(task: ProcessorTask, signal: AbortSignal): Promise<MediaOutcome> {
    const { clock, graceMs } = this.#options;
    signal.throwIfAborted();
    const whenOver = new AbortController();
    const abort = (): void => {
      this.#send({ kind: 'abort' });
      const grace = clock.schedule(graceMs, () => this.#kill());
      whenOver.signal.addEventListener('abort', () => grace.cancel(), { once: true });
    };
    signal.addEventListener('abort', abort, { once: true, signal: whenOver.signal });
    try {
      const reply = await this.#ask<Reply<'returned' | 'threw'>>({ kind: 'process', task });
      if (reply.kind === 'threw') throw failureOf(reply);
      return checkedOutcome(reply.outcome);
    } finally {
      whenOver.abort();
    }
  }

  /** Kills the process and waits until it is gone. */
  async end(): Promise<void> {
    this.#kill();
    await this.ended;
  }

  #ask<Answer extends ChildReply>(request: ChildRequest): Promise<Answer> {
    const awaited = Promise.withResolvers<ChildReply>();
    this.#awaited = awaited;
    this.#send(request);
    return awaited.promise;
  }

  /** What cannot be sent is answered by the child's end. */
  #send(request: ChildRequest): void {
    this.#process.send(request, () => {});
  }

  #replied(message: unknown): void {
    const reply = childReply.safeParse(message);
    if (!reply.success) return;
    const awaited = this.#awaited;
    this.#awaited = null;
    awaited?.resolve(reply.data);
  }

  #printed(chunk: Buffer): void {
    const text = chunk.toString();
    this.#options.log.debug({ pid: this.#process.pid, text }, 'a processor printed');
    this.#lastWords = (this.#lastWords + text).slice(-MAX_LAST_WORDS);
  }
