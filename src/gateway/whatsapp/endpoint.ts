import { WA_CERT_DETAILS } from '@whiskeysockets/baileys';
import { z } from 'zod';
import { DragomanError, describeError } from '../../base/errors.ts';
import { isLoopback } from '../../base/loopback.ts';

/** Where WhatsApp is. */
export interface Endpoint {
  readonly socketUrl: string;
  /** The only origin that media are fetched from. */
  readonly mediaOrigin: string;
}

export const WHATSAPP: Endpoint = {
  socketUrl: 'wss://web.whatsapp.com/ws/chat',
  mediaOrigin: 'https://mmg.whatsapp.net',
};

const FETCH_DEADLINE_MS = 5_000;
const ROOT_KEY_BYTES = 32;

const isLoopbackUrl = (url: string): boolean => isLoopback(URL.parse(url)?.hostname ?? '');

const loopbackUrl = z.string().refine(isLoopbackUrl, 'expected a loopback URL');

const simulatorEndpoint = z.object({
  socketUrl: loopbackUrl,
  mediaOrigin: loopbackUrl,
  rootPublicKey: z
    .base64()
    .transform((text) => Buffer.from(text, 'base64'))
    .refine((key) => key.length === ROOT_KEY_BYTES, `expected ${ROOT_KEY_BYTES} bytes`),
});

/**
 * WhatsApp itself, or the simulator at `simulatorUrl`, e.g. `http://127.0.0.1:8787`.
 * Rejects with `config_invalid` when that is not a simulator on this machine.
 */
export async function resolveEndpoint(simulatorUrl: string | null): Promise<Endpoint> {
  if (simulatorUrl === null) return WHATSAPP;
  if (!isLoopbackUrl(simulatorUrl)) {
    throw new DragomanError('config_invalid', `expected a simulator on this machine, got ${simulatorUrl}`);
  }
  const { rootPublicKey, ...endpoint } = await fetchEndpoint(simulatorUrl);
  trustSimulator(rootPublicKey);
  return endpoint;
}

async function fetchEndpoint(simulatorUrl: string): Promise<z.infer<typeof simulatorEndpoint>> {
  try {
    const response = await fetch(new URL('endpoint.json', withSlash(simulatorUrl)), {
      signal: AbortSignal.timeout(FETCH_DEADLINE_MS),
      redirect: 'error',
    });
    return simulatorEndpoint.parse(await response.json());
  } catch (cause) {
    const reason = whyNone(cause);
    throw new DragomanError(
      'config_invalid',
      `expected a simulator at ${simulatorUrl}, got: ${reason}. One is started by dragoman simulate`,
      { cause },
    );
  }
}

/** `fetch` says in its cause what went wrong. */
function whyNone(error: unknown): string {
  if (error instanceof z.ZodError || error instanceof SyntaxError) return 'an answer of something else';
  return describeError(error instanceof Error && error.cause !== undefined ? error.cause : error);
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

/**
 * DANGER: from here on this process takes whoever holds the simulator's key for WhatsApp, and no longer WhatsApp.
 * Baileys has one pinned certificate root for all of its sockets; this replaces it. Reached only by way of
 * `resolveEndpoint`, for a simulator on the loopback interface. Never call it for anything else.
 */
function trustSimulator(rootPublicKey: Buffer): void {
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootPublicKey);
}
