import { WIRE_LIMITS } from '../../protocol/frames.ts';

/** The first `maxCharacters` UTF-16 units, without half a surrogate pair at the end. */
export function cutText(text: string, maxCharacters: number): string {
  const wellFormed = text.toWellFormed();
  if (wellFormed.length <= maxCharacters) return wellFormed;
  const cut = wellFormed.slice(0, maxCharacters);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

/** A text that fits the wire. */
export const boundedText = (text: string): string => cutText(text, WIRE_LIMITS.textCharacters);

/** A person's, group's or file's name that fits the wire; null when there is none. */
export function boundedName(name: string | null | undefined): string | null {
  const cut = cutText(name ?? '', WIRE_LIMITS.filenameCharacters);
  return cut === '' ? null : cut;
}

/** An identifier that fits the wire, unchanged; null when it does not, since a cut one would name something else. */
export function boundedIdentifier(identifier: string | null | undefined): string | null {
  const text = identifier ?? '';
  return text !== '' && text.length <= WIRE_LIMITS.identifierCharacters ? text : null;
}

/** The identifiers that fit the wire, each once, as many as it takes. */
export const boundedIdentifiers = (identifiers: readonly (string | null | undefined)[]): readonly string[] =>
  [...new Set(identifiers.map(boundedIdentifier).filter((identifier) => identifier !== null))].slice(
    0,
    WIRE_LIMITS.listItems,
  );
