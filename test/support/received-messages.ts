import type { ReceivedMessage } from '../../src/gateway/received.ts';
import type { AuthChange } from '../../src/gateway/session.ts';

export const NO_AUTH: AuthChange = { puts: [], deletes: [] };

/** A text of a correspondent; `overrides` of its wire fields and its medium. */
export function received(
  id: string,
  overrides: Partial<ReceivedMessage> & { readonly text?: string } = {},
): ReceivedMessage {
  const { text = `text ${id}`, ...rest } = overrides;
  return {
    key: { remoteJid: 'ana@lid', participant: null, id, fromMe: false },
    wire: {
      provider_message_id: id,
      sender: 'ana@lid',
      message: text,
      direction: 'incoming',
      source: 'user',
      originating_time: 1_700_000_000_000,
    },
    media: null,
    ...rest,
  };
}
