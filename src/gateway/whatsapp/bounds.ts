import { cutText } from '../../base/text.ts';
import { WIRE_LIMITS } from '../../protocol/frames.ts';

/** The first `maxCharacters` UTF-16 units, by default as many as fit the wire, with no half of a surrogate pair anywhere. */
export const boundedText = (text: string, maxCharacters: number = WIRE_LIMITS.textCharacters): string =>
  cutText(text.toWellFormed(), maxCharacters);

/** A person's, group's or file's name that fits the wire; null when there is none. */
export function boundedName(name: string | null | undefined): string | null {
  const cut = boundedText(name ?? '', WIRE_LIMITS.filenameCharacters);
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
