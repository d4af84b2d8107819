import type { proto } from '@whiskeysockets/baileys';

/** Deeper nesting than any client makes; a message beyond it is not worth a stack. */
export const MAX_WRAPPERS = 16;

export interface Unwrapped {
  readonly content: proto.IMessage;
  readonly edit: { readonly of: string | null } | null;
  readonly albumId: string | null;
}

/**
 * Takes a message out of everything that it may be wrapped in: ephemeral, view-once, document-with-caption, edited,
 * device-sent, and any field to come that holds `{message}`. Null when it is wrapped too deep.
 */
export function unwrap(message: proto.IMessage): Unwrapped | null {
  let unwrapped: Unwrapped = { content: message, edit: null, albumId: null };
  for (let depth = 0; depth <= MAX_WRAPPERS; depth += 1) {
    unwrapped = { ...unwrapped, albumId: unwrapped.albumId ?? albumOf(unwrapped.content) };
    const next = peel(unwrapped);
    if (next === null) return unwrapped;
    unwrapped = next;
  }
  return null;
}

/** What a device of the account told this one that it sent, or the message itself when it came from its sender. */
export const sentContent = (message: proto.IMessage | null): proto.IMessage | null =>
  message?.deviceSentMessage?.message ?? message;

function peel(outer: Unwrapped): Unwrapped | null {
  const edited = outer.content.protocolMessage?.editedMessage;
  if (edited) {
    return { ...outer, content: edited, edit: { of: outer.content.protocolMessage?.key?.id ?? null } };
  }
  for (const [field, value] of Object.entries(outer.content)) {
    const inner = messageIn(value);
    if (inner === null) continue;
    return {
      ...outer,
      content: inner,
      edit: outer.edit ?? (field === 'editedMessage' ? { of: null } : null),
    };
  }
  return null;
}

/** What a wrapper holds. An order has a `message` as well, but that is a text. */
function messageIn(value: unknown): proto.IMessage | null {
  if (typeof value !== 'object' || value === null || !('message' in value)) return null;
  const { message } = value;
  return typeof message === 'object' && message !== null ? message : null;
}

const albumOf = (message: proto.IMessage): string | null =>
  message.messageContextInfo?.messageAssociation?.parentMessageKey?.id ?? null;
