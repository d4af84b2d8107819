import type { SessionFactory, SessionRequest } from '../../src/gateway/gateway-bot.ts';
import type { MediaReference, ProviderKey, ReceivedMessage } from '../../src/gateway/received.ts';
import type {
  Delivery,
  OutgoingText,
  Session,
  SessionStatus,
  Undelivered,
} from '../../src/gateway/session.ts';
import { NO_AUTH } from './received-messages.ts';

/** A session without a provider: the test says what arrives. */
export class ScriptedSession implements Session {
  readonly botId: string;
  /** As the backend wants it. */
  readonly config: SessionRequest['config'];
  readonly sent: OutgoingText[] = [];
  /** Where, and for how long, it showed that it types. */
  readonly typed: { readonly to: string; readonly durationMs: number }[] = [];
  readonly reuploads: { readonly key: ProviderKey; readonly media: MediaReference }[] = [];
  state: 'new' | 'started' | 'stopped' = 'new';
  origin: string;
  /** What the provider does with a text. */
  deliver: (message: OutgoingText, signal: AbortSignal) => Promise<Delivery> = () =>
    Promise.resolve({ kind: 'sent' });
  /** How often it was told to start. */
  starts = 0;
  /** Resolves when it is connected again. */
  opening: Promise<void> = Promise.resolve();
  /** What the sender's phone does when it is asked to upload again. */
  upload: (signal: AbortSignal) => Promise<string> = () => Promise.reject(new Error('the phone refuses'));
  readonly #request: SessionRequest;
  #lastMessageId = 0;

  constructor(request: SessionRequest, origin: string) {
    this.botId = request.botId;
    this.config = request.config;
    this.origin = origin;
    this.#request = request;
  }

  start(): void {
    this.starts += 1;
    this.state = 'started';
    this.show({ state: 'open', qr: null, detail: null });
  }

  stop(): Promise<void> {
    this.state = 'stopped';
    return Promise.resolve();
  }

  mediaOrigin(): string {
    return this.origin;
  }

  untilOpen(): Promise<void> {
    return this.opening;
  }

  requestReupload(key: ProviderKey, media: MediaReference, signal: AbortSignal): Promise<string> {
    this.reuploads.push({ key, media });
    return this.upload(signal);
  }

  refusal(to: string): Undelivered | null {
    return to === 'nowhere' ? { kind: 'refused', reason: 'no address' } : null;
  }

  typing(to: string, durationMs: number): Promise<void> {
    this.typed.push({ to, durationMs });
    return Promise.resolve();
  }

  newMessageId(): string {
    this.#lastMessageId += 1;
    return `id ${this.#lastMessageId}`;
  }

  sendText(message: OutgoingText, signal: AbortSignal): Promise<Delivery> {
    this.sent.push(message);
    return this.deliver(message, signal);
  }

  /** Credentials change. */
  learn(key: string, value: string): Promise<void> {
    return this.#request.storage.commit(this.botId, { puts: [[key, value]], deletes: [] }, []);
  }

  /** Messages arrive together: one commit. */
  async receive(...messages: readonly ReceivedMessage[]): Promise<void> {
    await this.#request.storage.commit(this.botId, NO_AUTH, messages);
    this.#request.listener.received();
  }

  show(status: SessionStatus): void {
    this.#request.listener.statusChanged(status);
  }
}

/** Makes scripted sessions, and keeps them in the order they were made. */
export class ScriptedSessions {
  readonly all: ScriptedSession[] = [];
  readonly origin: string;

  constructor(origin = 'http://127.0.0.1:9') {
    this.origin = origin;
  }

  readonly create: SessionFactory = (request) => {
    const session = new ScriptedSession(request, this.origin);
    this.all.push(session);
    return session;
  };

  /** The bot's newest session. */
  of(botId: string): ScriptedSession {
    const session = this.all.findLast((one) => one.botId === botId);
    if (session === undefined) throw new Error(`expected a session of ${botId}`);
    return session;
  }
}
