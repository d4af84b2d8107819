import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { decodeBackendFrame, encodeFrame } from '../../src/protocol/codec.ts';
import type { BackendFrame, GatewayFrameBody } from '../../src/protocol/frames.ts';

export interface DialOptions {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A bare WebSocket that plays the gateway, frame by frame. It is terminated when the test is over. */
export class GatewaySocket {
  readonly frames: BackendFrame[] = [];
  /** Resolves to the code that it was closed with. */
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
  #changed = Promise.withResolvers<void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => {
      const decoded = decodeBackendFrame(data.toString());
      if (decoded.kind === 'malformed') throw new Error(decoded.reason);
      this.frames.push(decoded.frame);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
    onTestFinished(() => socket.terminate());
  }

  /** Resolves to a socket that is open, or to the HTTP status that refused it. */
  static dial(url: string, { token = '', headers = {} }: DialOptions = {}): Promise<GatewaySocket | number> {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}`, ...headers } });
    const made = new GatewaySocket(socket);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(made));
      socket.once('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        socket.terminate();
      });
      socket.once('error', reject);
    });
  }

  /** Dials and says hello; resolves once the backend started a bot or refused something. */
  static async connect(url: string, token: string, gatewayId: string): Promise<GatewaySocket> {
    const link = await GatewaySocket.dial(url, { token });
    if (typeof link === 'number') throw new Error(`refused with ${link}`);
    link.send({ type: 'hello', gateway_id: gatewayId, bots: [] });
    return link;
  }

  send(frame: GatewayFrameBody): void {
    this.sendText(encodeFrame(frame));
  }

  sendText(text: string | Buffer): void {
    this.socket.send(text);
  }

  ofType<T extends BackendFrame['type']>(type: T): Extract<BackendFrame, { type: T }>[] {
    return this.frames.filter((frame): frame is Extract<BackendFrame, { type: T }> => frame.type === type);
  }

  /** Resolves to what `found` gives, once it gives something; asks it again after each frame. */
  async until<T>(found: (frames: readonly BackendFrame[]) => T | undefined | false): Promise<T> {
    for (;;) {
      const value = found(this.frames);
      if (value !== undefined && value !== false) return value;
      await this.#changed.promise;
    }
  }

  /** Resolves to the first frame of a type. */
  next<T extends BackendFrame['type']>(type: T): Promise<Extract<BackendFrame, { type: T }>> {
    return this.until(() => this.ofType(type)[0]);
  }
}
