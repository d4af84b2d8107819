import { proto } from '@whiskeysockets/baileys';
import type { ReceivedStanza } from '../received.ts';
import { type Account, isOwn, type StanzaAttributes } from './identity.ts';
import { decodeMessage, interpretMessage } from './interpret.ts';
import { attributesOf } from './kept-message.ts';
import { sentContent } from './unwrap.ts';

const RESEND_RESPONSE = proto.Message.ProtocolMessage.Type.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE;

/**
 * What the account's own phone sends again inside a stanza to its linked device. Only the account's own
 * devices may do that; a stanza of anybody else holds none. The phone tells less of a message's addresses than the
 * stanza did that came without content: `awaited` knows those stanzas' attributes by message id.
 */
export function resentStanzas(
  attributes: StanzaAttributes,
  plaintext: Uint8Array,
  account: Account,
  awaited: { get(id: string): StanzaAttributes | undefined },
): readonly ReceivedStanza[] {
  const { from, category } = attributes;
  if (category !== 'peer' || from === undefined || !isOwn(account, from)) return [];
  return responsesIn(plaintext).flatMap((info) => {
    const id = info.key?.id;
    if (!id || !info.message) return [];
    const resent = awaited.get(id) ?? attributesOf(info, account);
    const interpretation = interpretMessage(resent, info.message, account);
    return interpretation.kind === 'ignored' ? [] : [interpretation.received];
  });
}

function responsesIn(plaintext: Uint8Array): readonly proto.IWebMessageInfo[] {
  const protocol = sentContent(decodeMessage(plaintext))?.protocolMessage;
  if (protocol?.type !== RESEND_RESPONSE) return [];
  const results = protocol.peerDataOperationRequestResponseMessage?.peerDataOperationResult ?? [];
  return results
    .map((result) => result.placeholderMessageResendResponse?.webMessageInfoBytes)
    .map((bytes) => (bytes ? decodeInfo(bytes) : null))
    .filter((info) => info !== null);
}

function decodeInfo(bytes: Uint8Array): proto.IWebMessageInfo | null {
  try {
    return proto.WebMessageInfo.decode(bytes);
  } catch {
    return null;
  }
}
