import type { LiveView, SnapshotFrame, UpdateFrame } from './contract.ts';
import type { LiveState } from './live-state.ts';

/** Where a client's frames go. */
export interface LiveSocket {
  readonly bufferedBytes: number;
  send(text: string): void;
  close(code: number, reason: string): void;
}

export const CLOSE_CODE = { goingAway: 1001, refused: 1008, tooSlow: 1013 } as const;

/** As much as a client may leave unread before it is left out. */
const MAX_BUFFERED_BYTES = 256 * 1024;
const SLOW_FOR_MS = 30_000;

/**
 * What one client was told, and hence what it is to be told next.
 *   L1 At most `MAX_BUFFERED_BYTES` and one frame wait for a client; while they do it is told nothing.
 *   L2 A client that is told nothing for `SLOW_FOR_MS` is closed.
 *   L3 What changed while it was told nothing is in its next update.
 */
export class LiveClient {
  readonly #socket: LiveSocket;
  readonly #state: LiveState;
  #view: LiveView = { offset: 0, limit: 30 };
  #told = { board: 0, bots: 0, pools: 0, staging: 0, second: 0 };
  #order: readonly string[] = [];
  #slowSince: number | null = null;
  /** It waits for the client to read. */
  #owesSnapshot = false;

  constructor(socket: LiveSocket, state: LiveState) {
    this.#socket = socket;
    this.#state = state;
  }

  /** Looks at other chats from now on. */
  show(view: LiveView, now: number): void {
    this.#view = view;
    this.snapshot(now);
  }

  snapshot(now: number): void {
    this.#owesSnapshot = this.#isSlow(now);
    if (this.#owesSnapshot) return;
    this.#told = { board: 0, bots: 0, pools: 0, staging: 0, second: 0 };
    const { bots, pools, staging } = this.#state;
    const frame: SnapshotFrame = {
      type: 'snapshot',
      at: now,
      bots: [...bots.value],
      pools: [...pools.value],
      staging: staging.value,
      totals: this.#state.totals(),
      seconds: this.#seconds(),
      chats: this.#chats(),
    };
    this.#tell(frame);
  }

  update(now: number): void {
    if (this.#owesSnapshot) return this.snapshot(now);
    if (this.#isSlow(now)) return;
    const { bots, pools, staging } = this.#state;
    const frame: UpdateFrame = {
      type: 'update',
      at: now,
      ...(bots.version !== this.#told.bots && { bots: [...bots.value] }),
      ...(pools.version !== this.#told.pools && { pools: [...pools.value] }),
      ...(staging.version !== this.#told.staging && { staging: staging.value }),
      totals: this.#state.totals(),
      seconds: this.#seconds(),
      chats: this.#chats(),
    };
    this.#tell(frame);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  #isSlow(now: number): boolean {
    if (this.#socket.bufferedBytes <= MAX_BUFFERED_BYTES) {
      this.#slowSince = null;
      return false;
    }
    this.#slowSince ??= now;
    if (now - this.#slowSince >= SLOW_FOR_MS) this.close(CLOSE_CODE.tooSlow, 'read faster, or not at all');
    return true;
  }

  #seconds(): SnapshotFrame['seconds'] {
    const seconds = this.#state.throughput.secondsAfter(this.#told.second);
    this.#told.second = seconds.at(-1)?.at ?? this.#told.second;
    return [...seconds];
  }

  #chats(): SnapshotFrame['chats'] {
    const { order, changed, total, version } = this.#state.board.page(this.#view, this.#told.board);
    // A chat that comes into view is new to the client, whenever it changed.
    const known = new Set(this.#order);
    const told = new Set(changed.map(({ chat }) => chat));
    const appeared = order.filter((chat) => !known.has(chat) && !told.has(chat));
    const more = appeared.length === 0 ? [] : this.#state.board.page(this.#view, 0).changed;
    this.#order = order;
    this.#told.board = version;
    return {
      order: [...order],
      changed: [...changed, ...more.filter(({ chat }) => appeared.includes(chat))],
      total,
    };
  }

  #tell(frame: SnapshotFrame | UpdateFrame): void {
    const { bots, pools, staging } = this.#state;
    Object.assign(this.#told, { bots: bots.version, pools: pools.version, staging: staging.version });
    this.#socket.send(JSON.stringify(frame));
  }
}
