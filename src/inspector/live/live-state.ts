import type { EventBus } from '../../actors/events.ts';
import type { Clock } from '../../base/clock.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Administration } from '../../system/administration.ts';
import type { BotView, PoolView, StagingView } from '../../system/administration/views.ts';
import { ChatBoard } from './chat-board.ts';
import type { TotalsView } from './contract.ts';
import { Throughput } from './throughput.ts';

export interface LiveStateOptions {
  /** Of a backend that has not started: what happens before somebody listens is not known. */
  readonly events: EventBus;
  readonly clock: Clock;
  readonly log: Logger;
}

export type Watched = Pick<Administration, 'bots' | 'pools'>;

/** A value that says when it became another one. */
export interface Versioned<Value> {
  readonly value: Value;
  readonly version: number;
}

const POOLS_EVERY_MS = 2_000;
const STAGING_EVERY_MS = 10_000;

/** What the live feed tells, the same for all its clients. */
export class LiveState {
  readonly board: ChatBoard;
  readonly throughput: Throughput;
  readonly #options: LiveStateOptions;
  readonly #startedAt: number;
  readonly #ignore: () => void;
  #bots: Versioned<readonly BotView[]> = { value: [], version: 0 };
  #pools: Versioned<readonly PoolView[]> = { value: [], version: 0 };
  #staging: Versioned<StagingView> = { value: { files: 0, bytes: 0, partial: 0, limitBytes: 0 }, version: 0 };
  #poolsAt = Number.NEGATIVE_INFINITY;
  #stagingAt = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | null = null;

  constructor(options: LiveStateOptions) {
    const { events, clock } = options;
    const now = (): number => clock.now();
    this.#options = options;
    this.#startedAt = now();
    this.board = new ChatBoard(now);
    this.throughput = new Throughput(now);
    this.#ignore = events.listen((event) => {
      this.board.take(event);
      this.throughput.take(event);
    });
  }

  get bots(): Versioned<readonly BotView[]> {
    return this.#bots;
  }

  get pools(): Versioned<readonly PoolView[]> {
    return this.#pools;
  }

  get staging(): Versioned<StagingView> {
    return this.#staging;
  }

  totals(): TotalsView {
    return { startedAt: this.#startedAt, ...this.throughput.counts, ...this.board.now };
  }

  /** Reads what no event tells, each thing as often as its cost allows; one reading at a time. Never rejects. */
  refresh(administration: Watched): Promise<void> {
    this.#refreshing ??= this.#refresh(administration).finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  close(): void {
    this.#ignore();
  }

  async #refresh(administration: Watched): Promise<void> {
    const { clock, log } = this.#options;
    const now = clock.now();
    try {
      this.#bots = renewed(this.#bots, await administration.bots.list());
      if (now - this.#poolsAt >= POOLS_EVERY_MS) {
        this.#poolsAt = now;
        this.#pools = renewed(this.#pools, await administration.pools.list());
      }
      if (now - this.#stagingAt >= STAGING_EVERY_MS) {
        this.#stagingAt = now;
        this.#staging = renewed(this.#staging, await administration.pools.staging());
      }
    } catch (error) {
      log.debug({ reason: describeError(error) }, 'the live feed could not be refreshed');
    }
  }
}

function renewed<Value>(before: Versioned<Value>, value: Value): Versioned<Value> {
  const isSame = before.version > 0 && JSON.stringify(before.value) === JSON.stringify(value);
  return isSame ? before : { value, version: before.version + 1 };
}
