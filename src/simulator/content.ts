import { type MediaType, proto } from '@whiskeysockets/baileys';
import { z } from 'zod';
import { mediaFault } from './media-fault.ts';
import type { MediaHost } from './media-host.ts';
import { type UploadedMedium, uploadMedium } from './media-upload.ts';
import { makeSampleMedia, type SampleKind, type SampleMedium } from './sample-media.ts';
import type { SeededRandom } from './seeded-random.ts';

/** A medium: the bytes themselves, base64 text, or only how long a sample file is to be (0: the tiniest). */
const medium = z.union([z.number().int().nonnegative(), z.base64(), z.instanceof(Uint8Array)]);
const plain = { mimeType: z.string().optional(), fault: mediaFault.optional() };
const captioned = { ...plain, caption: z.string().optional() };

/** What a person can say. */
export const contentSchema = z.union(
  [
    z.object({ text: z.string() }),
    z.object({ image: medium, ...captioned }),
    z.object({ voice: medium, ...plain }),
    z.object({ video: medium, ...captioned }),
    z.object({ document: medium, fileName: z.string().optional(), ...captioned }),
    z.object({ sticker: medium, ...plain }),
    /** A message that linked devices do not get: only the stanza around it, and why. */
    z.object({ withheld: z.enum(['view_once', 'view_once_unavailable_fanout']) }),
    /** Anything else, as WhatsApp's own message; byte fields may be base64. */
    z.object({
      message: z.custom<proto.IMessage>((value) => typeof value === 'object' && value !== null),
    }),
  ],
  'expected one of text, image, voice, video, document, sticker, withheld and message, with a value it can have',
);

export type Content = z.infer<typeof contentSchema>;
type Medium = z.infer<typeof medium>;
export type Withheld = Extract<Content, { withheld: string }>['withheld'];
type MediaContent = Exclude<Content, { text: string } | { message: proto.IMessage } | { withheld: Withheld }>;

/** A message ready to be encrypted. `words` is its text or caption, `sha256` that of the medium, in hex. */
export interface Composed {
  readonly message: proto.IMessage;
  readonly kind: 'text' | SampleKind | 'message' | 'withheld';
  readonly words: string;
  readonly sha256: string | null;
  /** Why linked devices get no content; null when they do. */
  readonly withheld: Withheld | null;
}

/** Turns content into a message; media are encrypted and uploaded to `host`. */
export async function compose(content: Content, host: MediaHost, random: SeededRandom): Promise<Composed> {
  if ('text' in content) return composed('text', { conversation: content.text }, content.text);
  if ('message' in content) return composed('message', content.message);
  if ('withheld' in content) return { ...composed('withheld', {}), withheld: content.withheld };
  const { kind, source } = mediumOf(content);
  const sample = toSample(kind, source, random);
  const uploaded = await uploadMedium(host, sample.bytes, CIPHERS[kind], content.fault ?? null);
  const node = { ...uploaded, mimetype: content.mimeType ?? sample.mimeType };
  const caption = 'caption' in content ? content.caption : undefined;
  const fileName = ('fileName' in content && content.fileName) || sample.fileName;
  return composed(kind, mediaMessage(kind, node, caption, fileName), caption);
}

const CIPHERS = {
  image: 'image',
  voice: 'audio',
  video: 'video',
  document: 'document',
  sticker: 'sticker',
} as const satisfies Record<SampleKind, MediaType>;

function mediumOf(content: MediaContent): { kind: SampleKind; source: Medium } {
  if ('image' in content) return { kind: 'image', source: content.image };
  if ('voice' in content) return { kind: 'voice', source: content.voice };
  if ('video' in content) return { kind: 'video', source: content.video };
  if ('document' in content) return { kind: 'document', source: content.document };
  return { kind: 'sticker', source: content.sticker };
}

function mediaMessage(
  kind: SampleKind,
  node: UploadedMedium & { mimetype: string },
  text: string | undefined,
  fileName: string,
): proto.IMessage {
  const caption = text === undefined ? {} : { caption: text };
  switch (kind) {
    case 'image':
      return { imageMessage: { ...node, ...caption, width: 1, height: 1 } };
    case 'voice':
      return { audioMessage: { ...node, ptt: true, seconds: 1 } };
    case 'video':
      return { videoMessage: { ...node, ...caption, seconds: 1 } };
    case 'sticker':
      return { stickerMessage: node };
    case 'document': {
      const documentMessage = { ...node, ...caption, fileName };
      // Phones wrap a document that has a caption.
      return text === undefined
        ? { documentMessage }
        : { documentWithCaptionMessage: { message: { documentMessage } } };
    }
  }
}

function composed(kind: Composed['kind'], message: proto.IMessage, words = ''): Composed {
  const complete = proto.Message.fromObject(message);
  const hash = findMedium(complete)?.fileSha256;
  const sha256 = hash ? Buffer.from(hash).toString('hex') : null;
  return { message: complete, kind, words, sha256, withheld: null };
}

function toSample(kind: SampleKind, source: Medium, random: SeededRandom): SampleMedium {
  if (typeof source === 'number') {
    return makeSampleMedia(kind, { minBytes: source, filler: (count) => random.bytes(count) });
  }
  const bytes = typeof source === 'string' ? Buffer.from(source, 'base64') : Buffer.from(source);
  return { ...makeSampleMedia(kind), bytes };
}

/** The part of a message that says where its medium lies. */
export interface MediumNode {
  readonly mediaKey: Uint8Array;
  readonly directPath: string;
  readonly fileSha256?: Uint8Array | null;
}

const DEEPEST_WRAPPER = 8;

/** The first medium in a message, whatever it is wrapped in; null when there is none. */
export function findMedium(value: unknown, depth = 0): MediumNode | null {
  if (typeof value !== 'object' || value === null || depth > DEEPEST_WRAPPER) return null;
  if (value instanceof Uint8Array) return null;
  if (isMediumNode(value)) return value;
  for (const part of Object.values(value)) {
    const found = findMedium(part, depth + 1);
    if (found) return found;
  }
  return null;
}

const isMediumNode = (value: object): value is MediumNode =>
  'directPath' in value &&
  typeof value.directPath === 'string' &&
  'mediaKey' in value &&
  value.mediaKey instanceof Uint8Array &&
  value.mediaKey.length > 0;

/** The `type` that WhatsApp gives a stanza with this message. */
export function stanzaType(message: proto.IMessage): string {
  if (message.reactionMessage) return 'reaction';
  if (message.pollCreationMessage ?? message.pollCreationMessageV3) return 'poll';
  return findMedium(message) ? 'media' : 'text';
}

/** The words of a message that a bot sent; null when it has none. */
export function wordsOf(message: proto.IMessage): string | null {
  return (
    message.conversation ??
    message.extendedTextMessage?.text ??
    message.imageMessage?.caption ??
    message.videoMessage?.caption ??
    message.documentMessage?.caption ??
    null
  );
}
