import { generateMessageIDV2, type WAMessageKey } from '@whiskeysockets/baileys';
import type { Clock } from '../../base/clock.ts';
import { pause, untilAborted } from '../../base/deadlines.ts';
import { describeError, DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { keepSignalJobsApart } from '../../libsignal/signal-jobs.ts';
import type { BotState } from '../../protocol/frames.ts';
import type { MediaReference, ProviderKey } from '../received.ts';
import type {
  Answer,
  Delivery,
  OutgoingText,
  Session,
  SessionListener,
  SessionStorage,
  Undelivered,
} from '../session.ts';
import { silenceLibsignal } from './baileys-log.ts';
import { Connection } from './connection.ts';
import { deliverText } from './deliver-text.ts';
import type { Endpoint } from './endpoint.ts';
import type { ReceptionPolicy } from './identity.ts';
import { CONSEQUENCES, delayBefore, type Disconnect, STEADY_AFTER_MS } from './reconnect.ts';
import { refusedRecipient } from './recipient.ts';
import { requestReupload } from './reupload.ts';
import { createSessionMemory } from './session-memory.ts';

const NOT_OPEN = 'expected an open connection to WhatsApp, got none';

export interface BaileysSessionOptions {
  readonly botId: string;
  readonly storage: SessionStorage;
  readonly listener: SessionListener;
  readonly clock: Clock;
  readonly log: Logger;
  readonly endpoint: Endpoint;
  readonly policy: ReceptionPolicy;
  /** How old a message of the phone's history may be that is taken; left out: none is. */
  readonly historySyncDays?: number;
  /** Digits only: pair by a code that is typed into this phone, not by a QR code. */
  readonly pairingPhone?: string;
  /** From [0, 1), for the jitter between two connections. */
  readonly random?: () => number;
}

/** A session with WhatsApp over Baileys. It does nothing until it is started. */
export function createBaileysSession(options: BaileysSessionOptions): Session {
  silenceLibsignal();
  keepSignalJobsApart();
  return new BaileysSession(options);
}

/**
 * Keeps one account connected, one connection after another.
 *   B1 At most one connection is there at any time; a new one begins when the last has ended altogether.
 *   B2 When `stop` resolves, nothing of the session runs: no socket, no timer, no write.
 *   B3 Credentials are cleared only when WhatsApp itself says that the device is unlinked.
 */
class BaileysSession implements Session {
  readonly botId: string;
  readonly #options: BaileysSessionOptions;
  readonly #log: Logger;
  readonly #memory = createSessionMemory();
  /** Who waits for WhatsApp's answer to a text, by message id. */
  readonly #awaiting = new Map<string, (answer: Answer) => void>();
  #running: AbortController | null = null;
  #ended: Promise<void> = Promise.resolve();
  #open: Connection | null = null;
  /** Resolves when the next connection is open. */
  #opening = Promise.withResolvers<void>();

  constructor(options: BaileysSessionOptions) {
    this.botId = options.botId;
    this.#options = options;
    this.#log = options.log.child({ bot_id: options.botId });
  }

  start(): void {
    if (this.#running !== null) return;
    const running = new AbortController();
    this.#running = running;
    this.#ended = this.#ended
      .then(() => this.#run(running.signal))
      .finally(() => {
        if (this.#running === running) this.#running = null;
      });
  }

  async stop(): Promise<void> {
    this.#running?.abort();
    this.#running = null;
    await this.#ended;
    this.#report('stopped', null);
  }

  mediaOrigin(): string {
    return this.#options.endpoint.mediaOrigin;
  }

  async untilOpen(signal: AbortSignal): Promise<void> {
    while (this.#open === null) await untilAborted(this.#opening.promise, signal);
  }

  async requestReupload(key: ProviderKey, media: MediaReference, signal: AbortSignal): Promise<string> {
    const { socket, signal: lifetime } = this.#openConnection();
    return requestReupload(socket, key, media, AbortSignal.any([signal, lifetime]));
  }

  refusal(to: string): Undelivered | null {
    return refusedRecipient(to);
  }

  async typing(to: string, durationMs: number, signal: AbortSignal): Promise<void> {
    const { socket, signal: lifetime } = this.#openConnection();
    const ended = AbortSignal.any([signal, lifetime]);
    await untilAborted(socket.sendPresenceUpdate('composing', to), ended);
    await pause(this.#options.clock, durationMs, ended);
    await untilAborted(socket.sendPresenceUpdate('paused', to), ended);
  }

  newMessageId(): string {
    return generateMessageIDV2(this.#open?.socket.user?.id);
  }

  async sendText(message: OutgoingText, signal: AbortSignal): Promise<Delivery> {
    signal.throwIfAborted();
    const keyOfQuoted = await this.#keyOfQuoted(message);
    const connection = this.#open;
    if (connection === null) return { kind: 'unsent', reason: NOT_OPEN };
    const { clock } = this.#options;
    const dispatch = { connection, clock, sent: this.#memory.sent, awaiting: this.#awaiting };
    return deliverText(message, keyOfQuoted, dispatch, signal);
  }

  /** Author included: in a group nobody could tell otherwise who is quoted. */
  async #keyOfQuoted({ to, quoted }: OutgoingText): Promise<WAMessageKey | null> {
    if (quoted === null) return null;
    const { storage } = this.#options;
    const { participant, ...key } = await storage.keyOf(this.botId, to, quoted.providerMessageId);
    return participant === null ? key : { ...key, participant };
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    // The loop's condition tells whether it was over early.
    const rest = (delayMs: number): Promise<void> => pause(clock, delayMs, signal).catch(() => {});
    let failures = 0;
    while (!signal.aborted) {
      const { reason, wasSteady } = await this.#connectOnce(signal);
      if (signal.aborted) return;
      failures = wasSteady ? 1 : failures + 1;
      const { reaction, detail } = CONSEQUENCES[reason];
      this.#log.info({ reason, reaction, failures }, 'connection ended');
      switch (reaction) {
        case 'at-once':
        case 'back-off':
          this.#report('closed', detail);
          await rest(delayBefore(reaction, failures, random()));
          break;
        case 'forget':
          await this.#forgetAccount(detail);
          await rest(delayBefore('at-once', failures, random()));
          break;
        case 'wait':
          this.#report('closed', detail);
          return;
        case 'alert':
          this.#log.error({ reason }, 'session needs attention');
          this.#report('closed', detail);
          return;
      }
    }
  }

  async #connectOnce(
    signal: AbortSignal,
  ): Promise<{ readonly reason: Disconnect; readonly wasSteady: boolean }> {
    this.#report('connecting', null);
    const connection = await this.#dial();
    if (connection === null) return { reason: 'storage_failed', wasSteady: false };
    const hangUp = (): void => connection.close('lost');
    signal.addEventListener('abort', hangUp, { once: true });
    if (signal.aborted) hangUp();
    connection.signal.addEventListener('abort', () => (this.#open = null), { once: true });
    const reason = await connection.ended;
    signal.removeEventListener('abort', hangUp);
    return { reason, wasSteady: connection.openForMs >= STEADY_AFTER_MS };
  }

  /** Null when the credentials cannot be read; then nothing is dialled, rather than paired anew. */
  async #dial(): Promise<Connection | null> {
    const { botId, storage, endpoint, policy, historySyncDays = null, clock, listener } = this.#options;
    try {
      return await Connection.open({
        botId,
        storage,
        endpoint,
        policy,
        historySyncDays,
        clock,
        log: this.#log,
        memory: this.#memory,
        pairing: (connection, qr) => this.#pair(connection, qr),
        opened: (connection) => {
          this.#open = connection;
          this.#opening.resolve();
          this.#opening = Promise.withResolvers();
          this.#report('open', null);
        },
        received: () => listener.received(),
        answered: (providerMessageId, answer) => {
          const take = this.#awaiting.get(providerMessageId);
          if (take === undefined) listener.answered(providerMessageId, answer);
          else take(answer);
        },
      });
    } catch (error) {
      this.#log.error({ error: describeError(error) }, 'session cannot be opened');
      return null;
    }
  }

  #pair(connection: Connection, qr: string): void {
    const { pairingPhone, listener } = this.#options;
    if (pairingPhone === undefined) {
      listener.statusChanged({ state: 'pairing', qr, detail: 'Scan the QR code with the phone' });
      return;
    }
    // WhatsApp renews the QR code from time to time; a pairing code stays good as long as the connection.
    if (connection.socket.authState.creds.pairingCode !== undefined) return;
    connection.socket.requestPairingCode(pairingPhone).then(
      (code) =>
        this.#report('pairing', `Type this code into the phone: ${code.slice(0, 4)}-${code.slice(4)}`),
      () => connection.close('lost'),
    );
  }

  async #forgetAccount(detail: string): Promise<void> {
    try {
      await this.#options.storage.clearAuth(this.botId);
      this.#report('logged_out', detail);
    } catch (error) {
      this.#log.error({ error: describeError(error) }, 'credentials cannot be cleared');
      this.#report('closed', CONSEQUENCES.storage_failed.detail);
    }
  }

  #openConnection(): Connection {
    if (this.#open === null) {
      throw new DragomanError('link_closed', NOT_OPEN);
    }
    return this.#open;
  }

  #report(state: BotState, detail: string | null): void {
    this.#options.listener.statusChanged({ state, qr: null, detail });
  }
}
