import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { untilAborted } from '../../base/deadlines.ts';
import { DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { MediaOutcome } from '../media.ts';
import { checkedOutcome } from '../media-outcome.ts';
import {
  childAnswer,
  type ChildRequest,
  loadReply,
  type ProcessorModule,
  type ProcessorTask,
  type TaskReply,
  taskReply,
} from './messages.ts';
import { endProcessGroup } from './process-group.ts';

export interface ProcessorChildOptions {
  readonly module: ProcessorModule;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long the module may take to load. */
  readonly loadMs: number;
  /** How long a job may take to end once its signal has aborted. */
  readonly graceMs: number;
}

/** So long nobody wonders what the start waits for. */
const SLOW_LOAD_MS = 3_000;
const PROGRAM = fileURLToPath(new URL('./child-program.ts', import.meta.url));
/** Of what the child printed last, for the error that its end becomes: as much as that has room for. UTF-16 units. */
const MAX_LAST_WORDS = 900;

/**
 * A process that runs one processor module, and does one job at a time.
 *   C1 It is asked one thing at a time, and always answers: if not by a reply, then by its end, `worker_died`.
 *   C2 A module that takes too long to load, or goes on after its grace, is killed with whatever it has started.
 *   C3 It neither outlives its parent nor keeps it alive.
 *   C4 It inherits the environment without Dragoman's own variables, which hold tokens and the store's credentials.
 */
export class ProcessorChild {
  readonly #options: ProcessorChildOptions;
  readonly #process: ChildProcess;
  readonly #gone = new AbortController();
  #state: 'new' | 'busy' | 'late' | 'idle' = 'new';
  #lastId = 0;
  #isKilled = false;
  #killedFor: string | null = null;
  #lastWords = '';

  constructor(options: ProcessorChildOptions) {
    this.#options = options;
    const child = fork(PROGRAM, {
      // At the head of a group of its own: a terminal's Ctrl-C is for Dragoman, which finishes what is in hand.
      detached: true,
      env: withoutSecrets(process.env),
      execArgv: [`--max-old-space-size=${options.module.maxMemoryMb}`],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const output of [child.stdout, child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => this.#printed(text));
    }
    child.once('disconnect', () => this.kill());
    child.once('error', (error) => this.#ended(error.message));
    child.once('exit', (code, signal) => this.#ended(signal ?? `exit code ${code}`));
    child.unref();
    child.channel?.unref();
    this.#process = child;
    options.log.debug({ pid: child.pid }, 'a processor’s process starts');
  }

  /** Aborts when the process is gone; the reason is a `worker_died` that says how. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether it may be given a job. */
  get isIdle(): boolean {
    return this.#state === 'idle' && this.isInTime;
  }

  /** Whether it may be given a job as soon as it has ended one: it is not killed, nor at one that is over. */
  get isInTime(): boolean {
    return this.#state !== 'late' && !this.#isKilled && !this.gone.aborted;
  }

  /** Rejects with `config_invalid` when the module makes no processor, with `worker_died` when it takes too long. */
  async load(): Promise<void> {
    const { clock, loadMs, module, log } = this.#options;
    using over = new DisposableStack();
    const slow = clock.schedule(SLOW_LOAD_MS, () => {
      log.info({ pid: this.#process.pid, file: module.file }, 'a processor’s module is still loading');
    });
    const tooLong = clock.schedule(loadMs, () => this.kill(`not loaded within ${loadMs} ms`));
    for (const timer of [slow, tooLong]) over.defer(() => timer.cancel());
    const reply = await this.#ask((id) => ({ kind: 'load', id, module }), loadReply);
    if (reply.kind === 'refused') throw new DragomanError('config_invalid', reply.reason);
  }

  /**
   * Does one job. When `signal` aborts, the module is told, and killed if it goes on all the same.
   * Rejects with what the module threw, or with `worker_died`.
   */
  async perform(task: ProcessorTask, signal: AbortSignal): Promise<MediaOutcome> {
    signal.throwIfAborted();
    using over = new DisposableStack();
    const withdraw = (): void => {
      this.#state = 'late';
      this.#send({ kind: 'abort' });
      const { clock, graceMs } = this.#options;
      const grace = clock.schedule(graceMs, () => this.kill(`at work ${graceMs} ms after its job was over`));
      over.defer(() => grace.cancel());
    };
    signal.addEventListener('abort', withdraw, { once: true });
    over.defer(() => signal.removeEventListener('abort', withdraw));
    const reply = await this.#ask((id) => ({ kind: 'process', id, task }), taskReply);
    if (reply.kind === 'threw') throw thrownError(reply);
    return checkedOutcome(reply.outcome);
  }

  /** `why`: told with its end. */
  kill(why: string | null = null): void {
    this.#isKilled = true;
    this.#killedFor ??= why;
    if (this.#process.pid !== undefined) endProcessGroup(this.#process.pid);
  }

  /** Kills it; resolves when it is gone. */
  async end(): Promise<void> {
    // This process may have nothing else to wait for, and would end first.
    this.#process.ref();
    const gone = Promise.withResolvers<void>();
    this.gone.addEventListener('abort', () => gone.resolve(), { once: true });
    this.kill();
    if (!this.gone.aborted) await gone.promise;
  }

  async #ask<Reply>(request: (id: number) => ChildRequest, schema: z.ZodType<Reply>): Promise<Reply> {
    this.#lastId += 1;
    const id = this.#lastId;
    const reply = Promise.withResolvers<Reply>();
    const hear = (message: unknown): void => {
      const answer = childAnswer.safeParse(message);
      if (!answer.success || answer.data.answers !== id) return;
      const heard = schema.safeParse(answer.data.reply);
      if (heard.success) reply.resolve(heard.data);
    };
    this.#state = 'busy';
    this.#process.on('message', hear);
    try {
      this.#send(request(id));
      return await untilAborted(reply.promise, this.gone);
    } finally {
      this.#process.off('message', hear);
      this.#state = 'idle';
    }
  }

  /** A request that cannot be sent any more is answered by the child's end. */
  #send(request: ChildRequest): void {
    if (this.#process.connected) this.#process.send(request, () => {});
  }

  #printed(text: string): void {
    this.#options.log.debug({ pid: this.#process.pid, text }, 'a processor printed');
    this.#lastWords = (this.#lastWords + text).slice(-MAX_LAST_WORDS);
  }

  #ended(exit: string): void {
    this.kill();
    const how = this.#killedFor === null ? exit : `${exit} (${this.#killedFor})`;
    this.#options.log.info({ pid: this.#process.pid, how }, 'a processor’s process is gone');
    const reason = `expected an answer, got ${how} ${this.#lastWords}`;
    this.#gone.abort(new DragomanError('worker_died', reason.trimEnd()));
  }
}

const withoutSecrets = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('DRAGOMAN_')));

function thrownError({ reason, stack, isRetryable }: Extract<TaskReply, { kind: 'threw' }>): DragomanError {
  const error = new DragomanError(isRetryable ? 'processing_retryable' : 'processing_failed', reason);
  error.stack = stack ?? reason;
  return error;
}
