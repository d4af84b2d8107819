import type { Logger } from '../../src/base/log.ts';

export interface LogLine {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

/** A logger that keeps its lines, and tells who waits for one. */
export class RecordingLog implements Logger {
  readonly lines: LogLine[];
  readonly #bindings: object;
  readonly #listeners: Set<() => void>;

  constructor(lines: LogLine[] = [], bindings: object = {}, listeners: Set<() => void> = new Set()) {
    this.lines = lines;
    this.#bindings = bindings;
    this.#listeners = listeners;
  }

  trace = (fields: object, message: string): void => this.#add('trace', fields, message);
  debug = (fields: object, message: string): void => this.#add('debug', fields, message);
  info = (fields: object, message: string): void => this.#add('info', fields, message);
  warn = (fields: object, message: string): void => this.#add('warn', fields, message);
  error = (fields: object, message: string): void => this.#add('error', fields, message);

  child(bindings: object): RecordingLog {
    return new RecordingLog(this.lines, { ...this.#bindings, ...bindings }, this.#listeners);
  }

  /** Resolves to the first line whose message contains `text`, once there is one. */
  async untilLine(text: string): Promise<LogLine> {
    for (;;) {
      const line = this.lines.find(({ message }) => message.includes(text));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  #add(level: LogLine['level'], fields: object, message: string): void {
    this.lines.push({ level, fields: { ...this.#bindings, ...fields }, message });
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
