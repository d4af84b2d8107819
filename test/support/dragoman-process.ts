import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const BINARY = fileURLToPath(new URL('../../bin/dragoman.js', import.meta.url));

/** A real `dragoman` process. */
export class DragomanProcess {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  #stdout = '';
  #stderr = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = once(child, 'close');
    child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
  }

  static spawn(...args: readonly string[]): DragomanProcess {
    return new DragomanProcess(
      spawn(process.execPath, [BINARY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves when the process has printed something that matches; rejects when it ends without. */
  async printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#stdout)) {
      const ended = await Promise.race([
        once(this.#child.stdout ?? this.#child, 'data').then(() => false),
        this.#closed.then(() => true),
      ]);
      if (ended && !pattern.test(this.#stdout))
        throw new Error(`it ended without printing ${pattern}: ${this.#stderr}`);
    }
  }

  /** Resolves to the exit code; null when a signal ended it. */
  async exited(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** kill -9: nothing of it runs when this resolves. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  /** Drains it; resolves to the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.exited();
  }
}
