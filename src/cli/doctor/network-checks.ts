import { createServer } from 'node:net';
import { WebSocket } from 'ws';
import type { Config } from '../../system/config.ts';
import { pulsesIn } from '../pulse.ts';
import { failing, type Finding, ok } from './check.ts';

const DEADLINE_MS = 5_000;

/** Whether the ports that a backend listens on are free, or taken by one that runs on this data folder. */
export function checkPorts({ listen, http, dataFolder }: Config): Promise<readonly Finding[]> {
  const running = (['start', 'backend'] as const)
    .flatMap((name) => pulsesIn(dataFolder, name, Date.now()))
    .some(({ state }) => state === 'alive');
  const wanted = [
    ['port for gateways', listen] as const,
    ...(http.enabled ? [['port of http', http] as const] : []),
  ];
  return Promise.all(wanted.map(([check, { host, port }]) => checkPort(check, host, port, running)));
}

function checkPort(check: string, host: string, port: number, running: boolean): Promise<Finding> {
  const found = `${host}:${port}`;
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && running) {
        resolve(ok(check, `${found}, in use by the Dragoman that runs here`));
      } else if (error.code === 'EADDRINUSE') {
        resolve(failing(check, `${found} is in use`, 'stop the other program, or choose another port'));
      } else {
        resolve(
          failing(
            check,
            `${found}: ${error.message}`,
            'choose an address of this machine and a port from 1024 on',
          ),
        );
      }
    });
    server.listen({ host, port, exclusive: true }, () =>
      server.close(() => resolve(ok(check, `${found} is free`))),
    );
  });
}

/** Whether a gateway's backends can be dialled and take its token. No hello is sent: they learn nothing of it. */
export function checkBackends({ uplink }: Config): Promise<readonly Finding[]> {
  return Promise.all((uplink?.backends ?? []).map((url) => checkBackend(url, uplink?.token ?? '')));
}

function checkBackend(url: string, token: string): Promise<Finding> {
  const check = `backend ${url}`;
  return new Promise((resolve) => {
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: DEADLINE_MS,
    });
    const end = (finding: Finding): void => {
      resolve(finding);
      socket.terminate();
    };
    socket.once('open', () => end(ok(check, 'answers, and takes the token')));
    socket.once('unexpected-response', (_request, { statusCode = 0 }) =>
      end(
        statusCode === 401
          ? failing(
              check,
              'refuses the token',
              "make uplink.token the same as the gateway's token at the backend",
            )
          : failing(check, `answers ${statusCode}`, "check the URL's path: it ends with /gateway"),
      ),
    );
    socket.on('error', (error) =>
      end(failing(check, error.message, 'start the backend, or correct uplink.backends')),
    );
  });
}
