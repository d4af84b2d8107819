import type { proto } from '@whiskeysockets/baileys';
import type { MediaReference } from '../received.ts';

/** What an unwrapped message says. */
export type Content =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** The id of the message that it is about: the one reacted to, voted in, pinned. */
      readonly about: string | null;
    }
  | { readonly kind: 'media'; readonly caption: string; readonly media: MediaReference }
  /** Takes the place of another message, whose id it names. */
  | { readonly kind: 'replacement'; readonly text: string; readonly of: string | null }
  | { readonly kind: 'ignored'; readonly why: IgnoredContent };

/** `housekeeping`: nothing that a person would miss. `album`: a header; its pictures come as messages of their own. */
export type IgnoredContent = 'housekeeping' | 'album';

/** How each field of a message reads. */
export type Describers = {
  readonly [Field in keyof proto.IMessage]?: (node: NonNullable<proto.IMessage[Field]>) => Content;
};

export const words = (text: string | null | undefined, about: string | null = null): Content => ({
  kind: 'text',
  text: text ?? '',
  about,
});

export const ignored = (why: IgnoredContent): Content => ({ kind: 'ignored', why });

type Detail = string | null | undefined;

/** `[Label: detail, detail]`, without the details that are not there. */
export function bracketed(label: string, ...details: readonly Detail[]): string {
  const present = details.map((detail) => detail?.trim()).filter((detail) => detail);
  return present.length === 0 ? `[${label}]` : `[${label}: ${present.join(', ')}]`;
}

/** The parts that are there, each on a line of its own. */
export const lines = (...parts: readonly Detail[]): string =>
  parts
    .map((part) => part?.trim())
    .filter((part) => part)
    .join('\n');

/** The choices that are there, as lines of a list. */
export const choices = (options: readonly Detail[] | null | undefined): string =>
  lines(...(options ?? []).map((option) => (option?.trim() ? `- ${option.trim()}` : null)));
