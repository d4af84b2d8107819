import { EventEmitter } from 'node:events';
import type { WebSocket } from 'ws';
import type { SeededChoices } from './seeded-choices.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface WireOptions {
  readonly time: VirtualTime;
  readonly choices: SeededChoices;
}

/** The other side of a wire, as its owner hears it. */
export interface WireEar {
  message(text: string): void;
  closed(): void;
}

/**
 * A WebSocket without a network: what is said arrives late, in order, and not at all once the wire is cut. One end is a
 * `ws` socket as far as the backend's link uses one, the other a gateway's.
 */
export class SimulatedWire extends EventEmitter {
  isPaused = false;
  readonly bufferedAmount = 0;
  readonly #options: WireOptions;
  readonly #ear: WireEar;
  readonly #toBackend: string[] = [];
  readonly #toGateway: string[] = [];
  #backendGone = false;
  #gatewayGone = false;
  #closing = false;
  /** Once it is cut nothing passes, or a later text would arrive without the one before. */
  #isCut = false;
  readonly #held: string[] = [];

  constructor(options: WireOptions, ear: WireEar) {
    super();
    this.#options = options;
    this.#ear = ear;
  }

  /** The backend's end. */
  get socket(): WebSocket {
    return this as unknown as WebSocket;
  }

  // ── What the backend's link uses of a socket ───────────────────────────────────────────────────────────────────

  send(text: string): void {
    if (this.#isCut) return;
    this.#toGateway.push(text);
    this.#later(() => {
      const next = this.#toGateway.shift();
      if (next !== undefined && !this.#gatewayGone) this.#ear.message(next);
    });
  }

  ping(): void {
    this.#later(() => {
      if (!this.#gatewayGone && !this.#backendGone) this.emit('pong');
    });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    while (!this.isPaused && this.#held.length > 0) this.#hear(this.#held.shift() ?? '');
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#later(() => {
      this.#tellGateway();
      this.#later(() => this.#tellBackend());
    });
  }

  terminate(): void {
    this.cut();
  }

  // ── What the gateway uses ──────────────────────────────────────────────────────────────────────────────────────

  say(text: string): void {
    if (this.#isCut) return;
    this.#toBackend.push(text);
    this.#later(() => {
      const next = this.#toBackend.shift();
      if (next === undefined || this.#backendGone) return;
      if (this.isPaused) this.#held.push(next);
      else this.#hear(next);
    });
  }

  /** Both ends find out, later. */
  cut(): void {
    this.#isCut = true;
    this.#toBackend.length = 0;
    this.#toGateway.length = 0;
    this.#later(() => this.#tellGateway());
    this.#later(() => this.#tellBackend());
  }

  /** The process at this end is gone; it hears nothing more. */
  backendDied(): void {
    this.#backendGone = true;
    this.#later(() => this.#tellGateway());
  }

  gatewayDied(): void {
    this.#gatewayGone = true;
    this.#later(() => this.#tellBackend());
  }

  #hear(text: string): void {
    this.emit('message', Buffer.from(text), false);
  }

  #tellGateway(): void {
    if (this.#gatewayGone) return;
    this.#gatewayGone = true;
    this.#ear.closed();
  }

  #tellBackend(): void {
    if (this.#backendGone) return;
    this.#backendGone = true;
    this.emit('close');
  }

  #later(task: () => void): void {
    const { time, choices } = this.#options;
    const delayMs = choices.chance(0.05) ? choices.between(20, 900) : choices.fraction() * 4;
    void time.after(delayMs, task);
  }
}
