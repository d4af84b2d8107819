import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Clock } from '../../base/clock.ts';
import { hostInUrl, listenError, portOf } from '../../base/listening.ts';
import type { Logger } from '../../base/log.ts';
import { WIRE_LIMITS } from '../../protocol/frames.ts';
import { Admission, GATEWAY_PATH } from './admission.ts';
import type { GatewayCredential } from './gateway-auth.ts';
import { GatewayLink, LINK_LIMITS, type LinkHandler, type LinkLimits } from './gateway-link.ts';

export interface LinkServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly credentials: readonly GatewayCredential[];
  readonly handler: LinkHandler;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: LinkLimits;
}

export interface LinkServer {
  /** Where gateways dial, e.g. `ws://127.0.0.1:7310/gateway`. */
  readonly url: string;
  /** Takes no further link and reads no further frame; resolves when every frame in hand is answered. */
  drain(): Promise<void>;
  /** Resolves when every link is closed and the port is free. */
  close(): Promise<void>;
}

const CHECK_SILENCE_EVERY_MS = 500;

/** Opens the port that gateways dial. Rejects with `already_in_use` when the port is taken. */
export async function startLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const { host, handler, clock, log, credentials, limits = LINK_LIMITS } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: WIRE_LIMITS.frameBytes,
    perMessageDeflate: false,
  });
  const links = new Set<GatewayLink>();
  const admission = new Admission(credentials, limits.control, clock);
  let draining = false;
  // Whoever connects and says nothing is closed as one who does not say hello.
  const silence = {
    headersTimeout: limits.helloDeadlineMs,
    connectionsCheckingInterval: Math.min(limits.helloDeadlineMs, CHECK_SILENCE_EVERY_MS),
  };
  const http = createServer(silence, (_request, response) => {
    response.writeHead(404).end();
  });

  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const admitted = draining ? 503 : admission.admit(request);
    if (typeof admitted === 'number') {
      const { remoteAddress: remote } = request.socket;
      // Otherwise whoever floods the port floods the log.
      log[admitted === 429 ? 'debug' : 'warn']({ status: admitted, remote }, 'link refused');
      return refuse(socket, admitted);
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const { gatewayId, allowance } = admitted;
      const link = new GatewayLink(webSocket, { gatewayId, handler, limits, allowance, clock, log });
      links.add(link);
      webSocket.once('close', () => links.delete(link));
    });
  });
  const port = await listen(http, options);
  http.on('error', (error) => log.error({ reason: error.message }, 'the port for gateways has a problem'));

  return {
    url: `ws://${hostInUrl(host)}:${port}${GATEWAY_PATH}`,
    async drain() {
      draining = true;
      await Promise.all([...links].map((link) => link.drain()));
    },
    async close() {
      draining = true;
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      for (const link of links) link.close('the backend stops');
      await Promise.all([...links].map((link) => link.ended));
      http.closeAllConnections();
      await closed;
    },
  };
}

/** Resolves to the port that was taken. */
async function listen(http: Server, { host, port }: LinkServerOptions): Promise<number> {
  http.listen(port, host);
  try {
    await once(http, 'listening');
  } catch (error) {
    throw listenError(error, { host, port }, { flag: '--port', section: 'listen' });
  }
  return portOf(http);
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
