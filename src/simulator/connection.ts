import { type BinaryNode, decodeBinaryNode, encodeBinaryNode } from '@whiskeysockets/baileys';
import type { WebSocket } from 'ws';
import { type ClientFinish, encodeFrame, FrameReader, NoiseResponder, type NoiseTransport } from './noise.ts';
import type { ServerCertificate } from './server-certificate.ts';

export interface ConnectionListener {
  /** The handshake is done; the client says who it is. */
  opened(connection: Connection, finish: ClientFinish): void;
  received(connection: Connection, stanza: BinaryNode): void;
  /** Comes once, after which nothing is received. */
  closed(connection: Connection): void;
  /** The client sent what does not decode; the connection closes. */
  failed(connection: Connection, error: unknown): void;
}

type State =
  | { readonly stage: 'hello' | 'finish'; readonly responder: NoiseResponder }
  | { readonly stage: 'open'; readonly transport: NoiseTransport };

/**
 * One bot's encrypted connection.
 *
 *   C1 Stanzas are received one at a time, in the order in which the client sent them.
 *   C2 A frozen connection neither reads nor writes, and still looks open to the client.
 */
export class Connection {
  readonly #socket: WebSocket;
  readonly #listener: ConnectionListener;
  readonly #frames = new FrameReader();
  #state: State;
  #inOrder: Promise<void> = Promise.resolve();
  #frozen = false;

  constructor(socket: WebSocket, certificate: ServerCertificate, listener: ConnectionListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.#state = { stage: 'hello', responder: new NoiseResponder(certificate) };
    socket.on('message', (chunk: Buffer) => {
      this.#inOrder = this.#inOrder.then(() => this.#read(chunk));
    });
    // Every error of a WebSocket is followed by its close.
    socket.on('error', () => {});
    socket.on('close', () => listener.closed(this));
  }

  /** Does nothing before the handshake is done, after the close, or when frozen. */
  send(stanza: BinaryNode): void {
    if (this.#state.stage !== 'open' || this.#frozen || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(encodeFrame(this.#state.transport.encrypt(encodeBinaryNode(stanza))));
  }

  /** Ends it as the server does after a stream error: what was sent still arrives. */
  close(): void {
    this.#socket.close();
  }

  /** Cuts the line without a word. */
  drop(): void {
    this.#socket.terminate();
  }

  freeze(): void {
    this.#frozen = true;
    this.#socket.pause();
  }

  async #read(chunk: Buffer): Promise<void> {
    try {
      for (const frame of this.#frames.push(chunk)) await this.#accept(frame);
    } catch (error) {
      this.#listener.failed(this, error);
      this.#socket.terminate();
    }
  }

  async #accept(frame: Uint8Array): Promise<void> {
    const state = this.#state;
    switch (state.stage) {
      case 'hello':
        this.#socket.send(encodeFrame(state.responder.answerHello(frame)));
        this.#state = { stage: 'finish', responder: state.responder };
        return;
      case 'finish': {
        const finish = state.responder.acceptFinish(frame);
        this.#state = { stage: 'open', transport: finish.transport };
        this.#listener.opened(this, finish);
        return;
      }
      case 'open': {
        const stanza = await decodeBinaryNode(Buffer.from(state.transport.decrypt(frame)));
        if (!this.#frozen) this.#listener.received(this, stanza);
        return;
      }
    }
  }
}
