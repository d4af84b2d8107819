import {
  type AuthenticationCreds,
  type BinaryNode,
  jidNormalizedUser,
  makeWASocket,
  type WASocket,
} from '@whiskeysockets/baileys';
import type { Clock } from '../../base/clock.ts';
import { describeError, DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Answer, SessionStorage } from '../session.ts';
import { inArrivalOrder } from './arrival-order.ts';
import { AuthState } from './auth-state.ts';
import { baileysLogger, withoutAddresses } from './baileys-log.ts';
import { containListeners } from './contain.ts';
import type { Endpoint } from './endpoint.ts';
import { HistorySync } from './history-sync.ts';
import type { Account, ReceptionPolicy } from './identity.ts';
import { journalingSignal } from './journaling-signal.ts';
import { Reception } from './reception.ts';
import { type Disconnect, disconnectOf } from './reconnect.ts';
import { tameRetryManager } from './retry-counters.ts';
import type { SessionMemory } from './session-memory.ts';
import { socketSettings } from './socket-settings.ts';
import { hearAnswers } from './text-answers.ts';
import { Watchdog } from './watchdog.ts';

/** Baileys asks for a sign of life every 30 s; half of that again is time enough for the answer. */
const SILENT_AFTER_MS = 45_000;
/** Long enough to fetch the history that comes with a new pairing: messages behind it wait for that. */
const STANZA_DEADLINE_MS = 5 * 60_000;
/** How long WhatsApp may take to answer the closing of a socket before the socket is dropped. */
const CLOSE_GRACE_MS = 3_000;

export interface ConnectionOptions {
  readonly botId: string;
  readonly storage: SessionStorage;
  readonly endpoint: Endpoint;
  readonly policy: ReceptionPolicy;
  /** How old a message of the phone's history may be that is taken; null: none is. */
  readonly historySyncDays: number | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** What outlives a connection. */
  readonly memory: SessionMemory;
  /** WhatsApp wants to be paired, by scanning `qr`. */
  readonly pairing: (connection: Connection, qr: string) => void;
  readonly opened: (connection: Connection) => void;
  /** New messages are durable. */
  readonly received: () => void;
  /** WhatsApp says what it made of a text. */
  readonly answered: (providerMessageId: string, answer: Answer) => void;
}

/**
 * One socket to WhatsApp, from its opening to its end. It is never opened again, and never logs the account out.
 *   C1 Nothing of it is sent or written once it has ended; `ended` resolves when nothing of it runs any more.
 *   C2 A storage failure ends it before WhatsApp is told anything about the stanza in hand, so that WhatsApp keeps
 *      the stanza and delivers it again.
 */
export class Connection {
  readonly socket: WASocket;
  readonly #auth: AuthState;
  readonly #clock: Clock;
  readonly #watchdog: Watchdog;
  readonly #lifetime = new AbortController();
  readonly #ended = Promise.withResolvers<Disconnect>();
  #openedAt: number | null = null;

  /** Reads the credentials and dials. Rejects when they cannot be read. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    let connection: Connection | null = null;
    const auth = new AuthState(options.botId, options.storage, (error) => {
      options.log.error({ error: describeError(error) }, 'session storage failed');
      connection?.close('storage_failed');
    });
    const creds = await auth.loadCreds();
    connection = new Connection(options, auth, creds);
    return connection;
  }

  private constructor(options: ConnectionOptions, auth: AuthState, creds: AuthenticationCreds) {
    const { clock, log, memory, policy } = options;
    const account = (): Account => ({ jids: ownJids(creds), policy });
    this.#auth = auth;
    this.#clock = clock;
    const reception = new Reception({
      botId: options.botId,
      auth,
      memory,
      log,
      account,
      askGroupName: async (jid) => (await this.socket.groupMetadata(jid)).subject,
      received: options.received,
    });
    const history = new HistorySync({
      days: options.historySyncDays,
      origin: options.endpoint.mediaOrigin,
      auth,
      account,
      clock,
      signal: this.signal,
      log,
      interpret: (info) => reception.interpretKept(info),
      received: (messages) => reception.received(messages),
      learnGroupName: (jid, name) => reception.learnGroupName(jid, name),
    });
    this.socket = makeWASocket({
      ...socketSettings(memory),
      auth: { creds, keys: auth.keys },
      waWebSocketUrl: options.endpoint.socketUrl,
      logger: baileysLogger(log),
      makeSignalRepository: journalingSignal(auth.keys, reception, history),
    });
    tameRetryManager(this.socket.messageRetryManager, memory.retryCounters);
    this.#watchdog = new Watchdog(clock, SILENT_AFTER_MS, () => this.close('silent'));
    this.#listen(options, creds, reception, history);
  }

  /** Aborts with `link_closed` when the connection ends. */
  get signal(): AbortSignal {
    return this.#lifetime.signal;
  }

  /** Resolves when nothing of the connection runs any more, to the reason of its end. Never rejects. */
  get ended(): Promise<Disconnect> {
    return this.#ended.promise;
  }

  /** Milliseconds since WhatsApp let the account in; 0 when it has not. */
  get openForMs(): number {
    return this.#openedAt === null ? 0 : this.#clock.now() - this.#openedAt;
  }

  /** Ends the connection. When this returns, nothing can be sent over it any more. */
  close(reason: Disconnect): void {
    if (this.signal.aborted) return;
    this.#lifetime.abort(new DragomanError('link_closed', 'the connection to WhatsApp ended'));
    this.#watchdog.stop();
    const torndown = Promise.allSettled([this.#hangUp(), this.#auth.close()]);
    void torndown.then(() => this.#ended.resolve(reason));
  }

  #listen(
    options: ConnectionOptions,
    creds: AuthenticationCreds,
    reception: Reception,
    history: HistorySync,
  ): void {
    const { ev, ws } = this.socket;
    const onFailure = (error: unknown): void => {
      options.log.debug({ error: withoutAddresses(describeError(error)) }, 'baileys gave up on a stanza');
    };
    const resumed = history.takeUp();
    inArrivalOrder<BinaryNode>(ws, 'CB:message', {
      first: async (stanza) => {
        await resumed;
        await reception.arrived(stanza);
      },
      // By then Baileys has learnt from the history who goes by which two addresses.
      last: () => history.takeUp(),
      signal: this.signal,
      clock: options.clock,
      deadlineMs: STANZA_DEADLINE_MS,
      onOverdue: () => this.close('stuck'),
      onFailure,
    });
    hearAnswers(ws, options.answered);
    containListeners(ws, onFailure);
    // Something in between that refuses the upgrade; Baileys takes the event from `ws` and does nothing with it.
    ws.on('unexpected-response', () => this.close('unreachable'));
    ws.on('frame', () => this.#watchdog.sawFrame());
    // A failure ends the connection by itself.
    ev.on('creds.update', () => void this.#auth.saveCreds(creds).catch(() => {}));
    ev.on('groups.update', (groups) => {
      for (const { id, subject } of groups) if (id && subject) reception.learnGroupName(id, subject);
    });
    ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
      if (this.signal.aborted) return;
      if (qr !== undefined) options.pairing(this, qr);
      if (connection === 'open') {
        this.#openedAt = this.#clock.now();
        options.opened(this);
      }
      if (connection === 'close') this.close(disconnectOf(lastDisconnect?.error));
    });
  }

  /** Closes the socket, and drops it when WhatsApp does not answer that. */
  async #hangUp(): Promise<void> {
    const grace = this.#clock.schedule(CLOSE_GRACE_MS, () => terminate(this.socket));
    try {
      await this.socket.end(undefined);
    } finally {
      grace.cancel();
    }
  }
}

const ownJids = ({ me }: AuthenticationCreds): readonly string[] =>
  [me?.id, me?.lid].map((jid) => jidNormalizedUser(jid ?? undefined)).filter((jid) => jid !== '');

/** Baileys has no way to drop a socket; its client keeps the WebSocket to itself. */
function terminate(socket: WASocket): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a protected field of Baileys' WebSocketClient
  const client = socket.ws as unknown as { readonly socket: { terminate(): void } | null };
  client.socket?.terminate();
}
