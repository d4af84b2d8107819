import {
  type BaileysEventMap,
  type BinaryNode,
  decryptMediaRetryData,
  encryptMediaRetryRequest,
  proto,
  type WASocket,
} from '@whiskeysockets/baileys';
import { DragomanError } from '../../base/errors.ts';
import type { MediaReference, ProviderKey } from '../received.ts';

type MediaUpdate = BaileysEventMap['messages.media-update'][number];

const SUCCESS = proto.MediaRetryNotification.ResultType.SUCCESS;

/**
 * Asks the phone that has a medium to upload it again, over the parts of Baileys' `updateMediaMessage`: that one knows
 * no deadline, keeps its listener while it waits, and refuses round videos.
 * Resolves to the new `directPath`. Rejects with `not_found` when the phone cannot, with the signal's reason when it
 * aborts, with `link_closed` when the request does not get out.
 */
export async function requestReupload(
  socket: WASocket,
  key: ProviderKey,
  media: MediaReference,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const me = socket.user?.id;
  if (media.mediaKey === null) throw new DragomanError('not_found', 'expected a medium with a key, got none');
  if (me === undefined) throw new DragomanError('link_closed', 'expected a linked account, got none');
  const mediaKey = Buffer.from(media.mediaKey, 'base64');
  const waiting = new AbortController();
  const answer = mediaUpdateOf(socket, key.id, AbortSignal.any([signal, waiting.signal]));
  try {
    const request = encryptMediaRetryRequest(key, mediaKey, me);
    const [update] = await Promise.all([answer, sendRequest(socket, request)]);
    return newPath(update, mediaKey, key.id);
  } finally {
    waiting.abort();
  }
}

const sendRequest = (socket: WASocket, request: BinaryNode): Promise<void> =>
  socket.sendNode(request).catch((cause: unknown) => {
    throw new DragomanError('link_closed', 'expected an open link to ask over', { cause });
  });

/** The next answer about this message. */
function mediaUpdateOf(socket: WASocket, id: string, signal: AbortSignal): Promise<MediaUpdate> {
  const { promise, resolve, reject } = Promise.withResolvers<MediaUpdate>();
  const take = (updates: readonly MediaUpdate[]): void => {
    const update = updates.find((candidate) => candidate.key.id === id);
    if (update !== undefined) resolve(update);
  };
  const abort = (): void => reject(signal.reason);
  socket.ev.on('messages.media-update', take);
  signal.addEventListener('abort', abort, { once: true });
  return promise.finally(() => {
    socket.ev.off('messages.media-update', take);
    signal.removeEventListener('abort', abort);
  });
}

function newPath(update: MediaUpdate, mediaKey: Buffer, id: string): string {
  if (update.media === undefined) {
    throw new DragomanError('not_found', 'expected the phone to upload the medium, got a refusal', {
      cause: update.error,
    });
  }
  const { result, directPath } = decryptMediaRetryData(update.media, mediaKey, id);
  if (result !== SUCCESS || !directPath) {
    throw new DragomanError('not_found', `expected the phone to have the medium, got result ${result}`);
  }
  return directPath;
}
