import { EventEmitter, once } from 'node:events';
import {
  type AuthenticationState,
  type ConnectionState,
  initAuthCreds,
  makeWASocket,
  type SignalDataTypeMap,
  type WAMessage,
  WA_CERT_DETAILS,
  type WASocket,
} from '@whiskeysockets/baileys';
import pino from 'pino';
import type { SimulatorEndpoint } from '../../src/simulator/endpoint.ts';
import { MemoryKeyStore } from '../../src/simulator/memory-key-store.ts';

export interface ReceivedUpsert {
  readonly message: WAMessage;
  readonly type: string;
}

/** A bot's credentials and keys, in memory: hand them to a second bot to log the same device in again. */
export function memoryAuth(): AuthenticationState & { keys: MemoryKeys } {
  return { creds: initAuthCreds(), keys: new MemoryKeys() };
}

export class MemoryKeys extends MemoryKeyStore {
  /** Loses every key of a type, as a damaged store does. */
  forget(type: keyof SignalDataTypeMap): void {
    for (const key of this.values.keys()) if (key.startsWith(`${type}/`)) this.values.delete(key);
  }
}

/** The real Baileys, connected to a simulator. Does not come back by itself, except after pairing (515). */
export class BaileysBot {
  readonly auth: ReturnType<typeof memoryAuth>;
  readonly received: ReceivedUpsert[] = [];
  readonly closeCodes: number[] = [];
  readonly #endpoint: SimulatorEndpoint;
  readonly #news = new EventEmitter();
  readonly #options: Partial<Parameters<typeof makeWASocket>[0]>;
  #qr: string | null = null;
  #open = false;
  #socket: WASocket | null = null;

  constructor(
    endpoint: SimulatorEndpoint,
    auth = memoryAuth(),
    options: Partial<Parameters<typeof makeWASocket>[0]> = {},
  ) {
    this.#endpoint = endpoint;
    this.auth = auth;
    this.#options = options;
    this.#news.setMaxListeners(0);
    WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(endpoint.rootPublicKey, 'base64');
  }

  get socket(): WASocket {
    if (!this.#socket) throw new Error('the bot was not started');
    return this.#socket;
  }

  start(): this {
    const logger = pino({ level: 'silent' });
    const socket = makeWASocket({
      auth: this.auth,
      logger,
      waWebSocketUrl: this.#endpoint.socketUrl,
      markOnlineOnConnect: false,
      syncFullHistory: false,
      getMessage: async () => undefined,
      enableRecentMessageCache: false,
      ...this.#options,
    });
    this.#socket = socket;
    this.#open = false;
    socket.ev.on('connection.update', (update) => this.#connection(update));
    socket.ev.on('messages.upsert', ({ messages, type }) => {
      for (const message of messages) this.received.push({ message, type });
      this.#news.emit('news');
    });
    return this;
  }

  qr = () => this.#until(() => this.#qr);
  opened = () => this.#until(() => this.#open || null);
  closed = () => this.#until(() => this.closeCodes.at(-1) ?? null);

  /** The first upsert of this id that has content. */
  message = (id: string) =>
    this.#until(() => this.received.find(({ message }) => message.key.id === id && message.message) ?? null);

  async stop(): Promise<void> {
    await this.#socket?.end(undefined);
  }

  async #until<T>(look: () => T | null): Promise<T> {
    const signal = AbortSignal.timeout(15_000);
    for (;;) {
      const found = look();
      if (found !== null) return found;
      await once(this.#news, 'news', { signal });
    }
  }

  #connection({ qr, connection, lastDisconnect }: Partial<ConnectionState>): void {
    if (qr) this.#qr = qr;
    if (connection === 'open') this.#open = true;
    if (connection === 'close') {
      const error = lastDisconnect?.error;
      const code = error && 'output' in error ? error.output.statusCode : 0;
      if (code === 515 && !this.#open) this.start();
      else this.closeCodes.push(code);
    }
    this.#news.emit('news');
  }
}
