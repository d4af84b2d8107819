import { cutText } from '../base/text.ts';

declare const untrusted: unique symbol;

/**
 * Words that came out of media: data, never instructions, for whoever feeds them to a model. Anybody can send a
 * picture that says "ignore your instructions".
 *
 *   W1 They are made by `untrustedWords` alone.
 *   W2 They hold no square bracket. In the text of a message `[words] caption` they are therefore exactly what stands
 *      between the first `[` and the first `]`: no words can pose as the end of the words.
 *   W3 They hold no control characters but line break and tab, none that turns the reading direction, and no half of
 *      a surrogate pair.
 *
 * The mark in the history is the message's `mimeType`: it is there for media and for nothing else. A text in which a
 * person typed brackets has none.
 */
export type UntrustedWords = string & { readonly [untrusted]: true };

/** Far above what a queue keeps of it; what a processor returns beyond this is cut. UTF-16 units. */
export const MAX_WORDS_CHARACTERS = 65_536;

const LINE_BREAK = /\r\n?|[\u2028\u2029]/g;
const INVISIBLE = /[[\p{Cc}\p{Bidi_Control}]--[\n\t]]/gv;

/** Makes a processor's output fit to be stored and shown. Square brackets become full-width ones. */
export function untrustedWords(output: string): UntrustedWords {
  const words = cutText(output, MAX_WORDS_CHARACTERS)
    .toWellFormed()
    .replace(LINE_BREAK, '\n')
    .replace(INVISIBLE, '')
    .replaceAll('[', '［')
    .replaceAll(']', '］')
    .trim();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- W1: the one place that makes them
  return words as UntrustedWords;
}

export interface MediaText {
  readonly words: UntrustedWords;
  readonly caption: string;
}

/**
 * Takes apart the text of a message whose `mimeType` is set, or returns null when it is not of that form.
 * A text cut short within the words is all words.
 */
export function readMediaText(content: string): MediaText | null {
  if (!content.startsWith('[')) return null;
  const end = content.indexOf(']');
  if (end === -1) return { words: untrustedWords(content.slice(1)), caption: '' };
  return { words: untrustedWords(content.slice(1, end)), caption: content.slice(end + 1).replace(/^ /, '') };
}
