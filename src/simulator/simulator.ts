import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { type Clock, systemClock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import { portOf } from '../base/listening.ts';
import { type Logger, silentLogger } from '../base/log.ts';
import type { Account } from './account.ts';
import type { Chat, DirectChat, Group } from './chat.ts';
import type { Content } from './content.ts';
import { answerControlRequest } from './control-api.ts';
import { Directory, type PersonOptions } from './directory.ts';
import type { SimulatorEndpoint } from './endpoint.ts';
import { EventLog } from './event-log.ts';
import type { AddressingMode } from './identity.ts';
import { MediaHost } from './media-host.ts';
import { ReuploadShelf } from './media-retry.ts';
import type { Person, SendOptions, SentMessage } from './person.ts';
import { playScenario, type ScenarioStep } from './scenario.ts';
import { muteSignalConsole } from '../libsignal/signal-console.ts';
import { WhatsAppServer } from './whatsapp-server.ts';

export interface SimulatorOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** Message ids, phone numbers and sample media depend on it. Default `dragoman`. */
  readonly seed?: string;
  /** Told to gateways in the endpoint: they may have their QR codes scanned at once. Default false. */
  readonly autoScan?: boolean;
  readonly clock?: Clock;
  readonly log?: Logger;
}

export interface GroupOptions {
  /** The phone numbers of the bots' accounts; default: the first one. */
  readonly bots?: readonly string[] | undefined;
  /** What its members go by; default `lid`. */
  readonly addressing?: AddressingMode | undefined;
}

export interface SayOptions extends SendOptions {
  /** A group's name; left out: the chat of two with the bot. */
  readonly in?: string | undefined;
  /** In a chat of two: the name that the sender goes by in it. Default: the person's own. */
  readonly addressing?: AddressingMode | undefined;
  /** In a chat of two: false when WhatsApp does not tell the sender's other name. Default true. */
  readonly tellsOtherName?: boolean | undefined;
  /** The phone number of the bot's account; left out: the first one. */
  readonly bot?: string | undefined;
}

/** What happens to a bot that wants to connect: a reset, an HTTP status, or, with null, nothing bad. */
export type Refusal = 'reset' | number | null;

const SOCKET_PATH = '/ws/chat';
const FIRST_BOT_PHONE = 4_915_550_000_001;

/**
 * An offline WhatsApp: bots connect to it instead of the real one, and people write to them, with the same
 * encryption. Sockets, media and the control endpoints (control-api.ts) share one port on the loopback interface.
 */
export class Simulator {
  readonly endpoint: SimulatorEndpoint;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly media: MediaHost;
  /** How new connections are refused. */
  refusal: Refusal = null;
  readonly #directory: Directory;
  readonly #whatsapp: WhatsAppServer;
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #unmuteConsole = muteSignalConsole();
  /** Accounts whose owners scan a code just now: the next bot's is another one. */
  readonly #scanning = new Set<string>();
  readonly #closing = new AbortController();

  private constructor(http: Server, port: number, options: SimulatorOptions) {
    this.clock = options.clock ?? systemClock();
    this.events = new EventLog(this.clock);
    this.media = new MediaHost(this.clock);
    const { clock, events, media: mediaHost } = this;
    const surroundings = { clock, events, mediaHost, reuploads: new ReuploadShelf(mediaHost) };
    this.#directory = new Directory(surroundings, options.seed ?? 'dragoman');
    this.#whatsapp = new WhatsAppServer({
      ...surroundings,
      directory: this.#directory,
      log: options.log ?? silentLogger,
    });
    this.#http = http;
    this.endpoint = {
      socketUrl: `ws://127.0.0.1:${port}${SOCKET_PATH}`,
      mediaOrigin: `http://127.0.0.1:${port}`,
      rootPublicKey: Buffer.from(this.#whatsapp.rootPublicKey).toString('base64'),
      autoScan: options.autoScan ?? false,
    };
    http.on('request', (request, response) => {
      if (!this.media.handle(request, response)) void answerControlRequest(this, request, response);
    });
    http.on('upgrade', (request, socket, head) => {
      if (this.#refuse(socket)) return;
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#whatsapp.accept(webSocket));
    });
  }

  /** Rejects with `already_in_use` when the port is taken. */
  static async start(options: SimulatorOptions): Promise<Simulator> {
    const http = createServer();
    return new Simulator(http, await listen(http, options.port ?? 0), options);
  }

  /** Ends all connections; nothing is kept. */
  async close(): Promise<void> {
    this.#closing.abort(new DragomanError('aborted', 'the simulator was closed'));
    this.events.close();
    this.#whatsapp.close();
    this.#directory.close();
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeAllConnections();
    await closed;
    this.#unmuteConsole();
  }

  /**
   * The account's owner scans the QR code of a bot. Without a number it is the first account that no bot is
   * linked to. Resolves to the account's phone number when the bot is linked; it then connects anew.
   */
  async scan(qr: string, phone = this.#freePhone()): Promise<string> {
    this.#scanning.add(phone);
    try {
      await this.#whatsapp.scan(qr, phone);
      return phone;
    } finally {
      this.#scanning.delete(phone);
    }
  }

  /** The owner of `phone` types the pairing code that a bot shows. */
  async typePairingCode(phone: string, code: string): Promise<void> {
    await this.#whatsapp.typePairingCode(phone, code);
  }

  /** An account that bots are linked to, with the switches that trouble them. Left out: the first one. */
  account(phone: string = this.#directory.accounts[0]?.identity.phone ?? String(FIRST_BOT_PHONE)): Account {
    return this.#directory.account(phone);
  }

  /** The person of this name; made, with these properties, when it is new. */
  person(name: string, profile: PersonOptions = {}): Person {
    return this.#directory.person(name, profile);
  }

  /** Makes a group of people and bots. */
  group(name: string, members: readonly string[], { bots, addressing = 'lid' }: GroupOptions = {}): Group {
    const accounts = bots?.map((phone) => this.account(phone)) ?? [this.account()];
    return this.#directory.addGroup({
      name,
      members: members.map((member) => this.person(member)),
      accounts,
      addressing,
    });
  }

  directChat(
    name: string,
    { bot, addressing, tellsOtherName = true }: Omit<SayOptions, 'in'> = {},
  ): DirectChat {
    const correspondent = this.person(name);
    return {
      kind: 'direct',
      account: this.account(bot),
      correspondent,
      addressing: addressing ?? correspondent.addressing,
      tellsOtherName,
    };
  }

  /** Somebody says something. Resolves when it is at WhatsApp; see `Person.send`. */
  say(from: string, content: Content, options: SayOptions = {}): Promise<SentMessage> {
    return this.person(from).send(this.chatOf({ ...options, from }), content, options);
  }

  /** Where a person says something; `not_found` for a group that nobody made. */
  chatOf({ from, in: groupName, ...options }: SayOptions & { from: string }): Chat {
    if (groupName === undefined) return this.directChat(from, options);
    const group = this.#directory.groupNamed(groupName);
    if (!group) throw new DragomanError('not_found', `expected a group called ${groupName}`);
    return group;
  }

  play(steps: readonly ScenarioStep[]): Promise<SentMessage[]> {
    return playScenario(this, steps, this.#closing.signal);
  }

  #freePhone(): string {
    const phones = this.#directory.accounts.map(({ identity }) => identity.phone);
    const unlinked = this.#directory.accounts.find(
      ({ devices, identity }) => devices.size === 0 && !this.#scanning.has(identity.phone),
    );
    if (unlinked) return unlinked.identity.phone;
    let phone = FIRST_BOT_PHONE;
    while (phones.includes(String(phone)) || this.#scanning.has(String(phone))) phone += 1;
    return String(phone);
  }

  #refuse(socket: Duplex): boolean {
    if (this.refusal === null) return false;
    if (this.refusal === 'reset') socket.destroy();
    else socket.end(`HTTP/1.1 ${this.refusal} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    return true;
  }
}

/** Starts an offline WhatsApp on the loopback interface. */
export const startSimulator = (options: SimulatorOptions = {}): Promise<Simulator> =>
  Simulator.start(options);

/** What a person at a terminal wants to know about a running simulator, one line each. */
export const describeSimulator = ({ endpoint }: Simulator): readonly string[] => [
  `offline WhatsApp at ${endpoint.mediaOrigin}`,
  `  a gateway finds its way by  GET  ${endpoint.mediaOrigin}/endpoint.json`,
  `  pair a bot                  POST ${endpoint.mediaOrigin}/scan  {"qr": "…"}`,
  `  write to it                 POST ${endpoint.mediaOrigin}/send  {"from": "Ana", "text": "Hello"}`,
  `  play the demo               POST ${endpoint.mediaOrigin}/demo`,
  `  see what happened           GET  ${endpoint.mediaOrigin}/events.json?after=0`,
];

/** Resolves to the port that it got. */
async function listen(http: Server, port: number): Promise<number> {
  try {
    await once(http.listen(port, '127.0.0.1'), 'listening');
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')) throw cause;
    throw new DragomanError('already_in_use', `expected port ${port} to be free`, { cause });
  }
  return portOf(http);
}
