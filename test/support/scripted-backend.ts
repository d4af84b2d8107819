import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { decodeGatewayFrame, encodeFrame } from '../../src/protocol/codec.ts';
import type { BackendFrameBody, GatewayFrame } from '../../src/protocol/frames.ts';
import { listen } from './listening-port.ts';

export type FrameOf<T extends GatewayFrame['type']> = Extract<GatewayFrame, { type: T }>;
/** What to answer to a durable frame; null: nothing. */
export type Answer = (frame: GatewayFrame & { readonly seq: number }) => BackendFrameBody | null;

const ACK: Answer = ({ seq }) => ({ type: 'ack', seq });
export const SILENCE: Answer = () => null;

/** A real WebSocket server that plays the backend as the test scripts it. */
export class ScriptedBackend {
  readonly token = 'the right token';
  readonly url: string;
  /** Every frame that came, by connection, in order. */
  readonly links: GatewayFrame[][] = [];
  /** The bytes of every text that came, in order. */
  readonly texts: string[] = [];
  answer: Answer = ACK;
  /** Status of the upgrade; 101 lets it pass if the token is right. */
  upgradeStatus = 101;
  dials = 0;
  readonly #server: Server;
  readonly #sockets = new Set<WebSocket>();
  #changed = Promise.withResolvers<void>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${port}`;
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      this.dials += 1;
      socket.on('error', () => socket.destroy());
      const isRight = request.headers.authorization === `Bearer ${this.token}`;
      const status = this.upgradeStatus === 101 && !isRight ? 401 : this.upgradeStatus;
      this.#change();
      if (status === 101) sockets.handleUpgrade(request, socket, head, (open) => this.#accept(open));
      else socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n\r\n`);
    });
  }

  /** On `port`, or any free one. */
  static async start(port = 0): Promise<ScriptedBackend> {
    const server = createServer();
    return new ScriptedBackend(server, await listen(server, port));
  }

  get frames(): readonly GatewayFrame[] {
    return this.links.flat();
  }

  ofType<T extends GatewayFrame['type']>(type: T): FrameOf<T>[] {
    return this.frames.filter((frame): frame is FrameOf<T> => frame.type === type);
  }

  send(frame: BackendFrameBody): void {
    this.sendText(encodeFrame(frame));
  }

  sendText(text: string | Buffer): void {
    for (const socket of this.#sockets) socket.send(text);
  }

  /** Resolves once `found` gives something; asks it again after everything that comes. */
  async until<T>(found: () => T | undefined | null | false): Promise<T> {
    for (;;) {
      const value = found();
      if (value !== undefined && value !== null && value !== false) return value;
      await this.#changed.promise;
    }
  }

  /** Resolves to the first `count` frames of a type, once they came. */
  untilFrames<T extends GatewayFrame['type']>(type: T, count = 1): Promise<FrameOf<T>[]> {
    return this.until(() => {
      const frames = this.ofType(type);
      return frames.length >= count && frames;
    });
  }

  /** Cuts every connection without a goodbye. */
  cut(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: WebSocket): void {
    const link: GatewayFrame[] = [];
    this.links.push(link);
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#change();
    });
    socket.on('message', (data) => {
      const text = Buffer.isBuffer(data) ? data.toString() : '';
      this.texts.push(text);
      const decoded = decodeGatewayFrame(text);
      if (decoded.kind === 'malformed') throw new Error(decoded.reason);
      const { frame } = decoded;
      link.push(frame);
      const answer = 'seq' in frame ? this.answer(frame) : null;
      if (answer !== null) socket.send(encodeFrame(answer));
      this.#change();
    });
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
