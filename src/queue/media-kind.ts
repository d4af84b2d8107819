export const MEDIA_KINDS = ['image', 'video', 'audio', 'document', 'sticker'] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];

const CORRUPT_PREFIX = 'media_corrupt_';

/** The MIME type that stands for media of this kind that could not be downloaded. */
export const corruptMimeType = (kind: MediaKind): string => `${CORRUPT_PREFIX}${kind}`;

/** A MIME type without parameters, in lower case: `Audio/OGG; codecs=opus` → `audio/ogg`. */
export const bareMimeType = (mimeType: string): string =>
  (mimeType.split(';', 1)[0] ?? '').trim().toLowerCase();

/** RFC 6838's restricted names, shorter. */
const MIME_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,99}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}$/;

/** Whether a bare type is well formed. */
export const isMimeType = (bare: string): boolean => MIME_TYPE.test(bare);

const corruptKindOf = (bare: string): MediaKind | undefined =>
  MEDIA_KINDS.find((kind) => bare === corruptMimeType(kind));

/** Whether it stands for media that could not be downloaded. */
export const isCorruptMimeType = (mimeType: string): boolean =>
  corruptKindOf(bareMimeType(mimeType)) !== undefined;

/** What a person would call media of this MIME type. */
export function mediaKindOf(mimeType: string): MediaKind {
  const bare = bareMimeType(mimeType);
  const corrupt = corruptKindOf(bare);
  if (corrupt !== undefined) return corrupt;
  if (bare === 'image/webp') return 'sticker';
  const family = bare.split('/', 1)[0];
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'document';
}
