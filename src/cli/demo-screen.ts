import { createLogUpdate } from 'log-update';
import type { DragomanEvent } from '../actors/events.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { ChatView } from './chat-view.ts';

const FRAME_MS = 100;

/** Shows the chats while the demo runs: redrawn in place in a terminal, one line per change elsewhere. */
export class DemoScreen {
  readonly #clock: Clock;
  readonly #view: ChatView;
  readonly #live = process.stdout.isTTY ? createLogUpdate(process.stdout) : null;
  #timer: Timer | null = null;

  constructor(clock: Clock, titles: ReadonlyMap<string, string>) {
    this.#clock = clock;
    this.#view = new ChatView(titles);
    if (this.#live !== null) this.#redraw();
  }

  take(event: DragomanEvent): void {
    const line = this.#view.take(event);
    if (line !== null && this.#live === null) console.log(line);
  }

  /** Leaves the last picture on the screen. */
  end(): void {
    this.#timer?.cancel();
    const picture = this.#picture();
    if (this.#live === null) {
      console.log(`\n${picture}`);
    } else {
      this.#live(picture);
      this.#live.done();
    }
  }

  #redraw(): void {
    this.#live?.(this.#picture());
    this.#timer = this.#clock.schedule(FRAME_MS, () => this.#redraw());
  }

  #picture(): string {
    return this.#view.render(this.#clock.now(), process.stdout.columns ?? 100);
  }
}
