import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
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
    return DragomanProcess.spawnWith([], ...args);
  }

  static spawnWith(nodeFlags: readonly string[], ...args: readonly string[]): DragomanProcess {
    return DragomanProcess.#start([...nodeFlags, BINARY, ...args], {});
  }

  /** With variables of its own: those of the tests are none of its settings. */
  static spawnIn(environment: Readonly<Record<string, string>>, ...args: readonly string[]): DragomanProcess {
    return DragomanProcess.#start([BINARY, ...args], environment);
  }

  static #start(command: readonly string[], environment: Readonly<Record<string, string>>): DragomanProcess {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('DRAGOMAN_'));
    // Many of them run at a time.
    const env = { ...Object.fromEntries(inherited), DRAGOMAN_HTTP_PORT: '0', ...environment };
    return new DragomanProcess(spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** A program of this folder that is like `dragoman`. */
  static spawnScript(script: string, ...args: readonly string[]): DragomanProcess {
    const file = fileURLToPath(new URL(script, import.meta.url));
    return new DragomanProcess(
      spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the process did not start');
    return pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves when standard output matches; rejects when the process ends without. */
  printed(pattern: RegExp): Promise<void> {
    return this.#until(pattern, this.#child.stdout, () => this.#stdout);
  }

  /** Resolves when the log, on standard error, matches; rejects when the process ends without. */
  logged(pattern: RegExp): Promise<void> {
    return this.#until(pattern, this.#child.stderr, () => this.#stderr);
  }

  /** Nobody reads any more what it prints and logs. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
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

  async #until(pattern: RegExp, stream: Readable | null, output: () => string): Promise<void> {
    if (stream === null) throw new Error('the process has no such stream');
    const ended = this.#closed.then(() => 'ended' as const);
    while (!pattern.test(output())) {
      const next = await Promise.race([once(stream, 'data'), ended]);
      if (next === 'ended' && !pattern.test(output())) {
        throw new Error(`it ended without ${pattern}: ${this.#stdout}${this.#stderr}`);
      }
    }
  }
}
