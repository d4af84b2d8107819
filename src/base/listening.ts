import type { Server } from 'node:net';
import { DragomanError } from './errors.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

/** As a host stands in a URL: IPv6 in brackets. */
export const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** The port of a server that listens, whichever it was asked to take. */
export function portOf(server: Server): number {
  const address = server.address();
  if (typeof address === 'object' && address !== null) return address.port;
  throw new DragomanError('invariant_broken', 'expected a server that listens on a port');
}

/**
 * Why a server cannot listen there, for whoever configured it: `already_in_use` or `config_invalid`. What is no error of
 * the operating system is returned as it is. `flag` and `section`: where another port can be chosen.
 */
export function listenError(
  error: unknown,
  { host, port }: Place,
  { flag, section }: { readonly flag: string; readonly section: string },
): unknown {
  if (!(error instanceof Error) || !('code' in error && 'syscall' in error)) return error;
  if (error.code === 'EADDRINUSE') {
    return new DragomanError(
      'already_in_use',
      `port ${port} on ${host} is in use: stop the other program, or choose another port with ${flag} or ${section}.port`,
      { cause: error },
    );
  }
  return new DragomanError(
    'config_invalid',
    `cannot listen on ${host}:${port}: ${error.message}: choose another ${section}.host or ${section}.port`,
    { cause: error },
  );
}
