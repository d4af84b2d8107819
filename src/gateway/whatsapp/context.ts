import type { proto } from '@whiskeysockets/baileys';
import { jidNormalizedUser } from '@whiskeysockets/baileys';
import type { WireMessage } from '../../protocol/frames.ts';
import { boundedIdentifier, boundedIdentifiers, boundedText } from './bounds.ts';
import type { Content } from './content.ts';
import { describe } from './describe.ts';
import { unwrap } from './unwrap.ts';

/** A quotation is a reminder, not the message again. */
const QUOTE_CHARACTERS = 1_024;

/** Which message a content answers or is about, and whom it mentions, as the wire has it. */
export function contextOf(
  message: proto.IMessage,
  content: Content,
): Pick<WireMessage, 'quoted' | 'mentions'> {
  const info = contextInfoOf(message);
  const about = boundedIdentifier(content.kind === 'text' ? content.about : null);
  const stanzaId = boundedIdentifier(info?.stanzaId);
  const mentions = boundedIdentifiers((info?.mentionedJid ?? []).map((jid) => jidNormalizedUser(jid)));
  return {
    ...(about !== null
      ? { quoted: { provider_message_id: about, text: '' } }
      : stanzaId !== null
        ? { quoted: { provider_message_id: stanzaId, text: quotedText(info?.quotedMessage) } }
        : {}),
    ...(mentions.length > 0 ? { mentions: [...mentions] } : {}),
  };
}

/** WhatsApp keeps the context inside whichever field the content is. */
function contextInfoOf(message: proto.IMessage): proto.IContextInfo | null {
  for (const value of Object.values(message) as unknown[]) {
    if (typeof value !== 'object' || value === null || !('contextInfo' in value)) continue;
    const { contextInfo } = value;
    if (typeof contextInfo === 'object' && contextInfo !== null) return contextInfo;
  }
  return null;
}

function quotedText(quoted: proto.IMessage | null | undefined): string {
  const unwrapped = quoted ? unwrap(quoted) : null;
  if (unwrapped === null) return '';
  return boundedText(textOf(describe(unwrapped.content)), QUOTE_CHARACTERS);
}

function textOf(content: Content): string {
  if (content.kind === 'media') return `[${content.media.kind}] ${content.caption}`.trimEnd();
  return content.kind === 'ignored' ? '' : content.text;
}
