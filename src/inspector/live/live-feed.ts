import type { Clock, Timer } from '../../base/clock.ts';
import { RateBudget, type RateLimit } from '../../base/rate-budget.ts';
import { viewFrame } from './contract.ts';
import { CLOSE_CODE, LiveClient, type LiveSocket } from './live-client.ts';
import type { LiveState, Watched } from './live-state.ts';

const UPDATE_EVERY_MS = 500;
const MAX_CLIENTS = 32;
/** Of one client. */
const VIEWS: RateLimit = { most: 50, periodMs: 10_000 };

export interface LiveFeedOptions {
  readonly state: LiveState;
  readonly administration: Watched;
  readonly clock: Clock;
}

/** One client's end of the feed. */
export interface Subscription {
  /** Takes a frame of the client's. */
  receive(text: string): void;
  end(): void;
}

/**
 * Tells every client of the page what changed.
 *   F1 Nothing is computed while nobody watches, but for what each event costs (`ChatBoard` B1).
 *   F2 An update costs what the clients look at, not what there is.
 *   F3 At most `MAX_CLIENTS` are served.
 *   F4 Whoever was closed is told nothing any more, and not listened to.
 */
export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #clients = new Set<LiveClient>();
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  subscribe(socket: LiveSocket): Subscription {
    const { state, clock } = this.#options;
    const client = new LiveClient(socket, state);
    if (this.#closed || this.#clients.size >= MAX_CLIENTS) {
      client.close(CLOSE_CODE.tooSlow, 'too many watch already');
      return { receive: () => {}, end: () => {} };
    }
    this.#clients.add(client);
    const views = new RateBudget(VIEWS);
    void this.#welcome(client);
    return {
      receive: (text) => {
        if (!this.#clients.has(client)) return;
        const now = clock.now();
        const view = views.spend(now) ? decodeView(text) : null;
        if (view !== null) return client.show(view, now);
        this.#clients.delete(client);
        client.close(CLOSE_CODE.refused, 'expected a view, and not too many');
      },
      end: () => void this.#clients.delete(client),
    };
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const client of this.#clients) client.close(CLOSE_CODE.goingAway, 'the backend stops');
    this.#clients.clear();
  }

  async #welcome(client: LiveClient): Promise<void> {
    const { state, administration, clock } = this.#options;
    await state.refresh(administration);
    if (this.#clients.has(client)) client.snapshot(clock.now());
    this.#scheduleUpdate();
  }

  #scheduleUpdate(): void {
    if (this.#timer !== null || this.#closed || this.#clients.size === 0) return;
    this.#timer = this.#options.clock.schedule(UPDATE_EVERY_MS, () => void this.#update());
  }

  async #update(): Promise<void> {
    const { state, administration, clock } = this.#options;
    await state.refresh(administration);
    for (const client of this.#clients) client.update(clock.now());
    this.#timer = null;
    this.#scheduleUpdate();
  }
}

function decodeView(text: string) {
  try {
    const parsed = viewFrame.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
