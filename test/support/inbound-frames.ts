import { newGuid } from '../../src/base/ids.ts';
import type { InboundFrame, WireMessage } from '../../src/protocol/frames.ts';
import { PROVIDER } from './store-records.ts';

export const BOT = 'alpha';
export const GATEWAY = 'gateway-1';

let lastSeq = 0;

/** A text from `sender`; its provider id is unique unless given. */
export function textFrame(sender: string, text: string, changes: Partial<WireMessage> = {}): InboundFrame {
  lastSeq += 1;
  return {
    v: 1,
    type: 'inbound',
    seq: lastSeq,
    bot_id: BOT,
    provider_name: PROVIDER,
    message: {
      provider_message_id: `p-${lastSeq}`,
      sender,
      message: text,
      direction: 'incoming',
      source: 'user',
      originating_time: 1_700_000_000_000,
      ...changes,
    },
  };
}

/** A voice note that is announced before its download; `mediaGuid` of the result is its GUID. */
export function mediaFrame(
  sender: string,
  caption = '',
  changes: Partial<WireMessage> = {},
): InboundFrame & { readonly mediaGuid: string } {
  const mediaGuid = changes.media_processing_id ?? newGuid();
  const frame = textFrame(sender, caption, {
    media_processing_id: mediaGuid,
    mime_type: 'audio/ogg',
    media_state: 'downloading',
    ...changes,
  });
  return { ...frame, mediaGuid };
}
