import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { listen } from './listening-port.ts';

export type Serve = (response: ServerResponse, request: IncomingMessage) => void;

/** A real HTTP server whose every path answers as the test says; a path that it does not say is a 404. */
export class MediaServer {
  readonly origin: string;
  /** Paths in the order they were asked for. */
  readonly requests: string[] = [];
  readonly #paths: Map<string, Serve>;
  readonly #close: () => Promise<void>;
  #asked = Promise.withResolvers<void>();

  private constructor(origin: string, paths: Map<string, Serve>, close: () => Promise<void>) {
    this.origin = origin;
    this.#paths = paths;
    this.#close = close;
  }

  static async start(): Promise<MediaServer> {
    const paths = new Map<string, Serve>();
    const server = createServer((request, response) => media.#answer(request, response));
    const port = await listen(server);
    const media = new MediaServer(`http://127.0.0.1:${port}`, paths, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return media;
  }

  on(path: string, serve: Serve): void {
    this.#paths.set(path, serve);
  }

  /** Resolves at the next request. */
  async nextRequest(): Promise<void> {
    await this.#asked.promise;
  }

  close(): Promise<void> {
    return this.#close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    this.requests.push(path);
    const serve = this.#paths.get(path);
    if (serve === undefined) response.writeHead(404).end();
    else serve(response, request);
    this.#asked.resolve();
    this.#asked = Promise.withResolvers<void>();
  }
}

export const file =
  (body: Buffer): Serve =>
  (response) =>
    response.writeHead(200, { 'content-length': body.length }).end(body);

export const status =
  (code: number, headers: Record<string, string> = {}): Serve =>
  (response) =>
    response.writeHead(code, headers).end();
