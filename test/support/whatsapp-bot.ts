import { EventEmitter, once } from 'node:events';
import type { Clock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { Answer, Session, SessionListener, SessionStatus } from '../../src/gateway/session.ts';
import { createBaileysSession } from '../../src/gateway/whatsapp/baileys-session.ts';
import { type Endpoint, resolveEndpoint } from '../../src/gateway/whatsapp/endpoint.ts';
import type { ReceptionPolicy } from '../../src/gateway/whatsapp/identity.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { ManualClock } from './manual-clock.ts';
import { MemorySessionStorage } from './memory-session-storage.ts';

export interface WhatsAppBotOptions {
  readonly storage?: MemorySessionStorage;
  readonly policy?: ReceptionPolicy;
  readonly historySyncDays?: number;
  /** By default time stands still, but for what the session waits before it connects again. */
  readonly clock?: Clock;
  readonly endpoint?: Endpoint;
  readonly pairingPhone?: string;
  /** Whether the owner scans the QR code as soon as it is shown; default true. */
  readonly scans?: boolean;
}

/** Longer than any that a session waits before it connects again. */
const LONGEST_DELAY_MS = 10 * 60_000;
/** After these it connects again. */
const ENDED: readonly string[] = ['closed', 'logged_out'];

/** A session of the gateway at a simulated WhatsApp, with all that it says and stores. */
export class WhatsAppBot implements SessionListener {
  readonly botId = 'bot';
  readonly storage: MemorySessionStorage;
  readonly session: Session;
  readonly statuses: SessionStatus[] = [];
  /** What WhatsApp said of texts that nobody waited for any more. */
  readonly lateAnswers = new Map<string, Answer>();
  /** Messages whose receipt was at WhatsApp while the storage did not have them. */
  readonly receiptsTooEarly: string[] = [];
  readonly #simulator: Simulator;
  readonly #scans: boolean;
  readonly #ownClock = new ManualClock();
  readonly #news = new EventEmitter();
  readonly #unsubscribe: () => void;

  static async create(simulator: Simulator, options: WhatsAppBotOptions = {}): Promise<WhatsAppBot> {
    const endpoint = options.endpoint ?? (await resolveEndpoint(simulator.endpoint.mediaOrigin));
    return new WhatsAppBot(simulator, endpoint, options);
  }

  private constructor(simulator: Simulator, endpoint: Endpoint, options: WhatsAppBotOptions) {
    this.storage = options.storage ?? new MemorySessionStorage();
    this.#simulator = simulator;
    this.#scans = options.scans ?? true;
    this.#unsubscribe = simulator.events.subscribe((event) => {
      const isReceipt = event.type === 'receipt' && event.kind !== 'retry';
      if (isReceipt && !this.storage.has(event.messageId)) this.receiptsTooEarly.push(event.messageId);
    });
    this.session = createBaileysSession({
      botId: this.botId,
      storage: this.storage,
      listener: this,
      clock: options.clock ?? this.#ownClock,
      log: silentLogger,
      endpoint,
      policy: options.policy ?? { groups: 'all' },
      random: () => 0,
      ...(options.historySyncDays === undefined ? {} : { historySyncDays: options.historySyncDays }),
      ...(options.pairingPhone === undefined ? {} : { pairingPhone: options.pairingPhone }),
    });
  }

  /** Starts, and resolves when WhatsApp has let it in. */
  async open(): Promise<void> {
    const from = this.statuses.length;
    this.session.start();
    await this.untilStatus('open', from);
  }

  async close(): Promise<void> {
    await this.session.stop();
    this.#unsubscribe();
  }

  statusChanged(status: SessionStatus): void {
    this.statuses.push(status);
    this.#news.emit('news');
    if (ENDED.includes(status.state)) setImmediate(() => this.#ownClock.advance(LONGEST_DELAY_MS));
    if (this.#scans && status.qr !== null) void this.#simulator.scan(status.qr);
  }

  answered(providerMessageId: string, answer: Answer): void {
    this.lateAnswers.set(providerMessageId, answer);
    this.#news.emit('news');
  }

  received(): void {
    this.#news.emit('news');
  }

  get texts(): readonly string[] {
    return this.storage.received.map(({ wire }) => wire.message);
  }

  async untilAnswered(providerMessageId: string): Promise<Answer> {
    for (;;) {
      const answer = this.lateAnswers.get(providerMessageId);
      if (answer !== undefined) return answer;
      await once(this.#news, 'news');
    }
  }

  /** The first status of this state from the given place on: 0 for the first of all. */
  async untilStatus(state: SessionStatus['state'], from = 0): Promise<SessionStatus> {
    for (;;) {
      const status = this.statuses.slice(from).find((candidate) => candidate.state === state);
      if (status !== undefined) return status;
      await once(this.#news, 'news');
    }
  }

  /** Resolves when so many messages are stored. */
  async untilReceived(count: number): Promise<void> {
    while (this.storage.received.length < count) await once(this.#news, 'news');
  }
}
