import { isIP } from 'node:net';
import { DragomanError } from '../../base/errors.ts';
import { isSameSecret } from '../../base/secrets.ts';

export interface AdmissionRules {
  /** Without one no token is needed. */
  readonly token?: string | undefined;
  /** Where it listens: a name by which it may be called too. */
  readonly host: string;
  /** Names by which this server may be called, besides addresses and `localhost`; in any case of letters. */
  readonly allowedHosts: readonly string[];
}

export interface Caller {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  /** Of a WebSocket, for a browser cannot set headers on one. */
  readonly subprotocols: string | undefined;
}

/**
 * Refuses whoever calls by a foreign name or from a foreign page.
 *   A1 The host is an address, `localhost`, where it listens or an allowed name: a name that an attacker rebinds to this machine is none.
 *   A2 A page of another origin gets nothing, not even the effect of a request whose reply it cannot read.
 * @throws `origin_refused`
 */
export function assertOrigin({ host, origin }: Caller, rules: AdmissionRules): void {
  const name = hostnameOf(host ?? '');
  const names = ['localhost', rules.host, ...rules.allowedHosts].map((each) => each.toLowerCase());
  if (name === null || !(isAddress(name) || names.includes(name))) {
    throw new DragomanError(
      'origin_refused',
      'this server is not called by that name: add it to http.allowedHosts, or use its address',
    );
  }
  if (origin === undefined || originHost(origin) === host?.toLowerCase()) return;
  throw new DragomanError('origin_refused', 'a page of another origin may not call this server');
}

/**
 * Refuses whoever does not have the token.
 * @throws `token_wrong`
 */
export function assertToken(caller: Caller, { token }: AdmissionRules): void {
  if (token === undefined) return;
  const offered = offeredToken(caller);
  if (isSameSecret(token, offered ?? '')) return;
  throw new DragomanError(
    'token_wrong',
    offered === null ? 'expected Authorization: Bearer and the http.token' : 'the token is not http.token',
  );
}

/** Null: the caller shows none. */
export function offeredToken({ authorization, subprotocols }: Caller): string | null {
  const bearer = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const encoded = subprotocols
    ?.split(',')
    .map((each) => each.trim())
    .find((each) => each.startsWith('bearer.'));
  return encoded === undefined ? null : Buffer.from(encoded.slice('bearer.'.length), 'base64url').toString();
}

const isAddress = (name: string): boolean => isIP(name.replace(/^\[(.*)\]$/, '$1')) > 0;

const HOST = /^(\[[\da-f:.]+\]|[a-z\d.-]+)(:\d{1,5})?$/;

const hostnameOf = (host: string): string | null => HOST.exec(host.toLowerCase())?.[1] ?? null;

/** Host and port of an origin over HTTP or HTTPS: a proxy before this server may speak the latter. */
function originHost(origin: string): string | null {
  if (!URL.canParse(origin)) return null;
  const { protocol, host } = new URL(origin);
  return protocol === 'http:' || protocol === 'https:' ? host : null;
}
