import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Clock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { WIRE_LIMITS } from '../protocol/frames.ts';
import { authenticate, type GatewayCredential } from './gateway-auth.ts';
import { GatewayLink, type LinkHandler } from './gateway-link.ts';

export interface LinkServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly credentials: readonly GatewayCredential[];
  readonly handler: LinkHandler;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface LinkServer {
  /** Where gateways dial, e.g. `ws://127.0.0.1:7310/gateway`. */
  readonly url: string;
  /** Reads no further frame; resolves when every frame in hand is answered. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const GATEWAY_PATH = '/gateway';

/** Opens the port that gateways dial. Rejects with `already_in_use` when the port is taken. */
export async function startLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const { host, port, log } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: WIRE_LIMITS.frameBytes,
    perMessageDeflate: false,
  });
  const links = new Set<GatewayLink>();
  const http = createServer((_request, response) => void response.writeHead(404).end());

  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const credential = admit(request, options.credentials);
    if (typeof credential === 'number') {
      log.warn({ status: credential, remote: request.socket.remoteAddress }, 'link refused');
      return refuse(socket, credential);
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const link = new GatewayLink(webSocket, credential.gatewayId, options.handler, options.clock, log);
      links.add(link);
      webSocket.once('close', () => links.delete(link));
    });
  });

  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    http.listen(port, host, resolve);
  });
  const bound = http.address() as AddressInfo;

  return {
    url: `ws://${host.includes(':') ? `[${host}]` : host}:${bound.port}${GATEWAY_PATH}`,
    async drain() {
      await Promise.all([...links].map((link) => link.drain()));
    },
    async close() {
      for (const link of links) link.close(1001, 'the backend stops');
      sockets.close();
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
    },
  };
}

/** The credential of a request that may become a link, or the HTTP status that refuses it. */
function admit(
  request: IncomingMessage,
  credentials: readonly GatewayCredential[],
): GatewayCredential | number {
  if (new URL(request.url ?? '/', 'http://gateway').pathname !== GATEWAY_PATH) return 404;
  // A gateway is a program and sends no Origin; a browser always does.
  if (request.headers.origin !== undefined) return 403;
  return authenticate(credentials, request.headers.authorization) ?? 401;
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): DragomanError {
  if (error.code === 'EADDRINUSE') {
    return new DragomanError(
      'already_in_use',
      `port ${port} on ${host} is in use: stop the other program, or choose another port with --port or listen.port`,
      { cause: error },
    );
  }
  return new DragomanError('config_invalid', `cannot listen on ${host}:${port}: ${error.message}`, {
    cause: error,
  });
}
