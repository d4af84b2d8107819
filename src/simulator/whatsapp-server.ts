import type { BinaryNode } from '@whiskeysockets/baileys';
import type { WebSocket } from 'ws';
import { DragomanError } from '../base/errors.ts';
import type { LinkedDevice } from './account.ts';
import { Connection, type ConnectionListener } from './connection.ts';
import { DeviceSession, type SessionContext } from './device-session.ts';
import type { ClientFinish } from './noise.ts';
import { readQrCode } from './pairing.ts';
import { issueServerCertificate } from './server-certificate.ts';
import { loginFailure, UnpairedSession } from './unpaired-session.ts';

type Session = UnpairedSession | DeviceSession;

const NOT_LINKED = 401;

/** Takes bots' connections: pairs those without an account, and logs in those that have one. */
export class WhatsAppServer implements ConnectionListener {
  readonly #context: SessionContext;
  readonly #certificate = issueServerCertificate();
  readonly #connections = new Set<Connection>();
  readonly #sessions = new Map<Connection, Session>();

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** The key that bots must pin instead of WhatsApp's own. */
  get rootPublicKey(): Uint8Array {
    return this.#certificate.rootPublicKey;
  }

  accept(socket: WebSocket): void {
    this.#connections.add(new Connection(socket, this.#certificate, this));
  }

  /** Links the bot that shows this QR code to the account of `phone`. Resolves when the bot has agreed. */
  async scan(qr: string, phone: string): Promise<LinkedDevice> {
    const code = readQrCode(qr);
    const session = this.#unpaired().find((unpaired) => unpaired.showsKey(code.noiseKey));
    if (!session) throw new DragomanError('not_found', 'expected the QR code of a bot that is connected');
    return this.#paired(await session.link(this.#context.directory.account(phone), code));
  }

  /** Links the bot that was told to pair with `phone` by a code, which its owner types. */
  async typePairingCode(phone: string, code: string): Promise<LinkedDevice> {
    const session = this.#unpaired().find((unpaired) => unpaired.awaitsCodeOf(phone));
    if (!session) throw new DragomanError('not_found', 'expected a bot that pairs with this phone by code');
    return this.#paired(await session.linkByCode(this.#context.directory.account(phone), code));
  }

  close(): void {
    for (const connection of this.#connections) connection.drop();
  }

  opened(connection: Connection, { payload, clientKey }: ClientFinish): void {
    if (payload.devicePairingData) {
      this.#sessions.set(connection, new UnpairedSession(connection, clientKey, this.#context));
      return;
    }
    const account = this.#context.directory.knownAccount(String(payload.username));
    const device = account?.devices.get(payload.device ?? 0);
    const failure = account?.loginFailure ?? (isSameDevice(device, clientKey) ? null : NOT_LINKED);
    if (failure !== null || !device) {
      connection.send(loginFailure(failure ?? NOT_LINKED));
      connection.close();
      return;
    }
    this.#sessions.set(connection, new DeviceSession(connection, device, this.#context));
  }

  received(connection: Connection, stanza: BinaryNode): void {
    this.#sessions.get(connection)?.received(stanza);
  }

  closed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#sessions.get(connection)?.closed();
    this.#sessions.delete(connection);
  }

  failed(_connection: Connection, err: unknown): void {
    this.#context.log.warn({ err }, 'a bot sent what does not decode');
  }

  #unpaired(): UnpairedSession[] {
    return [...this.#sessions.values()].filter((session) => session instanceof UnpairedSession);
  }

  #paired(device: LinkedDevice): LinkedDevice {
    this.#context.events.append({ type: 'paired', bot: device.account.identity.phone, device: device.jid });
    return device;
  }
}

const isSameDevice = (device: LinkedDevice | undefined, noiseKey: Uint8Array): boolean =>
  device !== undefined && Buffer.compare(device.noiseKey, noiseKey) === 0;
