import { type proto, toNumber } from '@whiskeysockets/baileys';
import type { MediaKind } from '../../protocol/frames.ts';
import type { MediaCipher, MediaReference } from '../received.ts';
import { boundedIdentifier, boundedName } from './bounds.ts';

/** Whatever has media as fields: a message, or the header of a template, of buttons or of an interactive message. */
export type MediaHolder = Pick<
  proto.IMessage,
  'imageMessage' | 'videoMessage' | 'ptvMessage' | 'audioMessage' | 'documentMessage' | 'stickerMessage'
>;

export interface FoundMedia {
  readonly media: MediaReference;
  readonly caption: string;
}

interface MediaType {
  readonly kind: MediaKind;
  readonly cipher: MediaCipher;
  readonly mimeType: string;
}

/** What all media messages share, whichever of the optional fields each has. */
interface MediaNode {
  readonly mimetype?: string | null;
  readonly caption?: string | null;
  readonly fileName?: string | null;
  readonly title?: string | null;
  readonly mediaKey?: Uint8Array | null;
  readonly directPath?: string | null;
  readonly fileSha256?: Uint8Array | null;
  readonly fileEncSha256?: Uint8Array | null;
  readonly fileLength?: Parameters<typeof toNumber>[0];
}

const HASH_BYTES = 32;
const MAX_PATH_CHARACTERS = 4_096;

/** The medium that `holder` carries, with its caption; null when there is none. */
export function mediaIn(holder: MediaHolder): FoundMedia | null {
  const candidates: readonly (readonly [MediaNode | null | undefined, MediaType])[] = [
    [holder.imageMessage, { kind: 'image', cipher: 'image', mimeType: 'image/jpeg' }],
    [holder.videoMessage, { kind: 'video', cipher: 'video', mimeType: 'video/mp4' }],
    [holder.ptvMessage, { kind: 'video', cipher: 'ptv', mimeType: 'video/mp4' }],
    [holder.audioMessage, { kind: 'audio', cipher: 'audio', mimeType: 'audio/ogg; codecs=opus' }],
    [holder.documentMessage, { kind: 'document', cipher: 'document', mimeType: 'application/octet-stream' }],
    [holder.stickerMessage, { kind: 'sticker', cipher: 'sticker', mimeType: 'image/webp' }],
  ];
  for (const [node, type] of candidates) if (node) return foundMedia(node, type);
  return null;
}

const foundMedia = (node: MediaNode, { kind, cipher, mimeType }: MediaType): FoundMedia => ({
  caption: node.caption ?? '',
  media: {
    kind,
    cipher,
    mimeType: boundedIdentifier(node.mimetype?.trim()) ?? mimeType,
    fileName: boundedName(node.fileName) ?? (kind === 'document' ? boundedName(node.title) : null),
    mediaKey: digest(node.mediaKey),
    directPath: path(node.directPath),
    fileSha256: digest(node.fileSha256),
    fileEncSha256: digest(node.fileEncSha256),
    declaredBytes: declaredBytes(node.fileLength),
  },
});

/** Keys and hashes are 32 bytes; anything else proves nothing and is left out. */
const digest = (bytes: Uint8Array | null | undefined): string | null =>
  bytes?.length === HASH_BYTES ? Buffer.from(bytes).toString('base64') : null;

const path = (directPath: string | null | undefined): string | null =>
  directPath && directPath.length <= MAX_PATH_CHARACTERS ? directPath : null;

function declaredBytes(fileLength: MediaNode['fileLength']): number | null {
  const bytes = toNumber(fileLength);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}
