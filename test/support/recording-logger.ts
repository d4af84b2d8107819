import type { Logger } from '../../src/base/log.ts';

export interface LogLine {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  /** The line's own fields over those of its logger. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps every line, those of its children included, and tells who waits for one. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[];
  readonly #bindings: object;
  readonly #listeners: Set<() => void>;

  constructor(lines: LogLine[] = [], bindings: object = {}, listeners: Set<() => void> = new Set()) {
    this.lines = lines;
    this.#bindings = bindings;
    this.#listeners = listeners;
  }

  trace(fields: object, message: string): void {
    this.#record('trace', fields, message);
  }

  debug(fields: object, message: string): void {
    this.#record('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#record('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#record('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#record('error', fields, message);
  }

  child(bindings: object): RecordingLogger {
    return new RecordingLogger(this.lines, { ...this.#bindings, ...bindings }, this.#listeners);
  }

  /** The texts logged at a level, in order. */
  at(level: LogLine['level']): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }

  /** Resolves to the first line whose message contains `text`, once there is one. */
  async untilLine(text: string): Promise<LogLine> {
    for (;;) {
      const line = this.lines.find(({ message }) => message.includes(text));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  #record(level: LogLine['level'], fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...this.#bindings, ...fields } });
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
