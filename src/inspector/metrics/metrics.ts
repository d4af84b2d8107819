import { collectDefaultMetrics, Registry } from 'prom-client';
import type { EventBus } from '../../actors/events.ts';
import { eventMetrics } from './event-metrics.ts';
import { stateMetrics, type StateMetricsOptions } from './state-metrics.ts';

/** What Prometheus scrapes: counts of what happened since `events` were listened to, and how things stand. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #ignore: () => void;
  #read: () => Promise<void> = () => Promise.resolve();

  /** `events`: of a backend that has not started. */
  constructor(events: EventBus) {
    // The process: memory, CPU, event-loop lag, garbage collection.
    collectDefaultMetrics({ register: this.#registry });
    this.#ignore = events.listen(eventMetrics(this.#registry));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Adds how things stand, of a backend that runs. */
  watch(options: StateMetricsOptions): void {
    this.#read = stateMetrics(this.#registry, options);
  }

  async scrape(): Promise<string> {
    await this.#read();
    return this.#registry.metrics();
  }

  close(): void {
    this.#ignore();
    this.#registry.clear();
  }
}
