import { randomBytes } from 'node:crypto';
import { aesEncryptGCM, type BinaryNode, getBinaryNodeChild, hkdf, proto } from '@whiskeysockets/baileys';
import type { Account, ReuploadOutcome } from './account.ts';
import type { MediumNode } from './content.ts';
import type { MediaHost } from './media-host.ts';

/** The media that phones still have, by message id: what a re-upload is made from. */
export class ReuploadShelf {
  readonly #host: MediaHost;
  readonly #media = new Map<string, MediumNode>();

  constructor(host: MediaHost) {
    this.#host = host;
  }

  remember(messageId: string, medium: MediumNode): void {
    this.#media.set(messageId, medium);
  }

  mediaKeyOf(messageId: string): Uint8Array | null {
    return this.#media.get(messageId)?.mediaKey ?? null;
  }

  /** Uploads the medium again, whatever befell the first copy; null when no phone has it. */
  uploadAgain(messageId: string): string | null {
    const medium = this.#media.get(messageId);
    return medium ? this.#host.storeAgain(medium.directPath) : null;
  }
}

const RESULTS: Record<ReuploadOutcome, proto.MediaRetryNotification.ResultType> = {
  success: proto.MediaRetryNotification.ResultType.SUCCESS,
  not_found: proto.MediaRetryNotification.ResultType.NOT_FOUND,
  decryption_error: proto.MediaRetryNotification.ResultType.DECRYPTION_ERROR,
  general_error: proto.MediaRetryNotification.ResultType.GENERAL_ERROR,
};

/** How the account's phone answers a bot's request (`<receipt type="server-error">`) to upload a medium again. */
export function answerReuploadRequest(
  request: BinaryNode,
  account: Account,
  shelf: ReuploadShelf,
): { outcome: ReuploadOutcome; notification: BinaryNode } | null {
  const id = request.attrs['id'] ?? '';
  const mediaKey = shelf.mediaKeyOf(id);
  if (!mediaKey) return null;
  const directPath = account.reuploadOutcome === 'success' ? shelf.uploadAgain(id) : null;
  const outcome =
    account.reuploadOutcome === 'success' && !directPath ? 'not_found' : account.reuploadOutcome;
  const notification = notificationOf(request, account, mediaKey, {
    stanzaId: id,
    result: RESULTS[outcome],
    ...(directPath ? { directPath } : {}),
  });
  return { outcome, notification };
}

function notificationOf(
  request: BinaryNode,
  account: Account,
  mediaKey: Uint8Array,
  answer: proto.IMediaRetryNotification,
): BinaryNode {
  const id = request.attrs['id'] ?? '';
  const about = getBinaryNodeChild(request, 'rmr');
  const key = Buffer.from(hkdf(Buffer.from(mediaKey), 32, { info: 'WhatsApp Media Retry Notification' }));
  const iv = randomBytes(12);
  const plaintext = proto.MediaRetryNotification.encode(answer).finish();
  return {
    tag: 'notification',
    attrs: { type: 'mediaretry', id, from: account.identity.pn },
    content: [
      {
        tag: 'encrypt',
        attrs: {},
        content: [
          { tag: 'enc_p', attrs: {}, content: aesEncryptGCM(plaintext, key, iv, Buffer.from(id)) },
          { tag: 'enc_iv', attrs: {}, content: iv },
        ],
      },
      { tag: 'rmr', attrs: about?.attrs ?? {} },
    ],
  };
}
