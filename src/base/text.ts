/** `text`, or its first `max` UTF-16 units: one less where that would split a surrogate pair. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  return detached(text.slice(0, splitsPair(text, max) ? max - 1 : max));
}

/** V8 keeps a whole string alive for a slice of it; a slice of a concatenation keeps only that. */
const detached = (slice: string): string => ` ${slice}`.slice(1);

function splitsPair(text: string, position: number): boolean {
  return isHighSurrogate(text.charCodeAt(position - 1)) && isLowSurrogate(text.charCodeAt(position));
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
