import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Both ends of one connection. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** What becomes of a chunk that was waited for. `cut-before`: it never arrives. `cut-after`: its answer never does. */
export type Fate = 'cut-before' | 'cut-after' | 'hang';

/**
 * Stands between a client and a server on this host as a network that fails on demand.
 *   P1 Nothing is lost or reordered within a connection that was not cut.
 *   P2 While it hangs, connections are made and stay, and nothing passes; what hung passes on `heal`.
 */
export class TcpProxy {
  readonly #listener: Server;
  readonly #target: URL;
  readonly #pairs = new Set<Pair>();
  #state: 'open' | 'hanging' | 'refusing' = 'open';
  #cutEvery = Infinity;
  #chunksLeft = Infinity;
  #chunks = 0;
  #awaited: { readonly text: string; readonly fate: Fate; readonly met: () => void } | null = null;

  private constructor(target: URL, listener: Server) {
    this.#target = target;
    this.#listener = listener;
    listener.on('connection', (client) => this.#accept(client));
  }

  static async before(target: URL): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, createServer({ pauseOnConnect: true }));
    proxy.#listener.listen(0, '127.0.0.1');
    await once(proxy.#listener, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Ends every connection at once; new ones are made as before. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
    this.#pairs.clear();
  }

  /** Ends every connection, and each new one as soon as it is made, until `heal`. */
  refuse(): void {
    this.#state = 'refusing';
    this.cut();
  }

  /** Lets nothing pass until `heal`. */
  hang(): void {
    this.#state = 'hanging';
    for (const pair of this.#pairs) pause(pair);
  }

  /** Ends all connections in front of every nth chunk for the server, until `heal`. */
  cutEvery(chunks: number): void {
    this.#cutEvery = chunks;
  }

  /** Passes so many more chunks on to the server and then refuses. */
  refuseAfter(chunks: number): void {
    this.#chunksLeft = chunks;
  }

  get isRefusing(): boolean {
    return this.#state === 'refusing';
  }

  heal(): void {
    this.#state = 'open';
    this.#cutEvery = Infinity;
    this.#chunksLeft = Infinity;
    for (const pair of this.#pairs) resume(pair);
  }

  /** Resolves when the next chunk for the server with `text` in it has met its fate. */
  meet(text: string, fate: Fate): Promise<void> {
    return new Promise((met) => {
      this.#awaited = { text, fate, met };
    });
  }

  async close(): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #accept(client: Socket): void {
    if (this.#state === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(this.#target.port), this.#target.hostname);
    const pair = { client, server };
    this.#pairs.add(pair);
    client.on('data', (chunk) => this.#toServer(pair, chunk));
    server.on('data', (chunk) => client.write(chunk));
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      // A failure of one end is told to the other by the close that follows.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
    if (this.#state === 'hanging') pause(pair);
    else resume(pair);
  }

  #toServer(pair: Pair, chunk: Buffer): void {
    this.#chunks += 1;
    this.#chunksLeft -= 1;
    if (this.#chunksLeft < 0) {
      this.refuse();
      return;
    }
    if (this.#chunks % this.#cutEvery === 0) {
      this.cut();
      return;
    }
    const awaited = this.#awaited;
    if (awaited === null || !chunk.includes(awaited.text)) {
      pair.server.write(chunk);
      return;
    }
    this.#awaited = null;
    switch (awaited.fate) {
      case 'cut-before':
        this.cut();
        break;
      case 'cut-after':
        pair.client.resetAndDestroy();
        pair.server.end(chunk);
        break;
      case 'hang':
        this.hang();
        pair.client.unshift(chunk);
        break;
    }
    awaited.met();
  }
}

const pause = ({ client, server }: Pair): void => {
  client.pause();
  server.pause();
};

const resume = ({ client, server }: Pair): void => {
  client.resume();
  server.resume();
};
