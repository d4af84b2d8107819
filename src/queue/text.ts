import { cutText } from '../base/text.ts';
import { mediaKindOf } from './media-kind.ts';

/**
 * `[words] caption`, or `[words]` without a caption, in at most `max` UTF-16 units. The words are cut first; when
 * even empty brackets and the caption do not fit, these are cut as a whole.
 */
export function composeMediaText(words: string, caption: string, max: number): string {
  const ending = caption === '' ? ']' : `] ${caption}`;
  const room = max - '['.length - ending.length;
  return cutText(`[${cutText(words, Math.max(room, 0))}${ending}`, max);
}

/** The words for a medium beyond `maxPlaceholders`. */
export const tooManyPendingWords = (mimeType: string): string =>
  `Unprocessed ${mediaKindOf(mimeType)} media: too many pending`;
