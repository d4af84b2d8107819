import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { describeError } from '../base/errors.ts';

/** WhatsApp's own web client sends it, and its media hosts look at it. */
const REQUEST_HEADERS = { origin: 'https://web.whatsapp.com', 'accept-encoding': 'identity' };

/** What goes wrong between here and the media host. */
export class MediaHostError extends Error {
  override readonly name = 'MediaHostError';

  constructor(cause: unknown) {
    super(describeError(cause), { cause });
  }
}

/**
 * Asks once, and follows no redirect. Resolves when the answer begins; its body is to be read by `bodyOf`, or the
 * answer to be destroyed. Rejects with a `MediaHostError`, also when `signal` aborts.
 *
 * Over node:http: what `fetch` builds around a body costs as much again as receiving it.
 */
export async function askMediaHost(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    return (await ask(url, signal, {})) ?? (await ask(url, signal, { agent: false })) ?? hungUp();
  } catch (error) {
    throw new MediaHostError(error);
  }
}

/** Null: the host closed an idle connection at the moment at which it was used again, and has not heard of this. */
function ask(
  url: URL,
  signal: AbortSignal,
  connection: { readonly agent?: false },
): Promise<IncomingMessage | null> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage | null>();
  const { get } = url.protocol === 'https:' ? https : http;
  const request = get(url, { ...connection, signal, headers: REQUEST_HEADERS }, (response) => {
    // Whoever reads the body meets the error there; nobody may be reading yet.
    response.on('error', () => {});
    resolve(response);
  });
  request.on('error', (error: NodeJS.ErrnoException) => {
    if (request.reusedSocket && error.code === 'ECONNRESET') resolve(null);
    else reject(error);
  });
  return promise;
}

function hungUp(): never {
  throw new Error('the media host hung up');
}

/** The body as it arrives. Whoever stops early ends the connection. Throws a `MediaHostError`. */
export async function* bodyOf(response: IncomingMessage): AsyncGenerator<Buffer, void> {
  const chunks: AsyncIterable<Buffer> = response;
  try {
    yield* chunks;
  } catch (error) {
    throw new MediaHostError(error);
  }
}
