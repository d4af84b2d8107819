import { proto } from '@whiskeysockets/baileys';
import { BUSINESS_CONTENT } from './business-content.ts';
import { type Content, type Describers, ignored, words } from './content.ts';
import { mediaIn } from './media-reference.ts';
import { SOCIAL_CONTENT } from './social-content.ts';

type FieldName = keyof proto.IMessage;

const ProtocolType = proto.Message.ProtocolMessage.Type;

const PLAIN_CONTENT: Describers = {
  conversation: (text) => words(text),
  extendedTextMessage: (node) => words(node.text),
  protocolMessage: (node) =>
    node.type === ProtocolType.REVOKE && node.key
      ? { kind: 'replacement', text: '[Deleted a message]', of: node.key.id ?? null }
      : ignored('housekeeping'),
  /** An edit that only the holder of the original's secret can read. */
  secretEncryptedMessage: (node) => ({
    kind: 'replacement',
    text: '[Edited a message]',
    of: node.targetMessageKey?.id ?? null,
  }),
  albumMessage: () => ignored('album'),
};

/** Fields that people never see. */
const HOUSEKEEPING: ReadonlySet<FieldName> = new Set<FieldName>([
  'senderKeyDistributionMessage',
  'fastRatchetKeySenderKeyDistributionMessage',
  'messageContextInfo',
  'deviceSentMessage',
  'keepInChatMessage',
  'stickerSyncRmrMessage',
  'messageHistoryBundle',
  'messageHistoryNotice',
  'statusNotificationMessage',
  'statusStickerInteractionMessage',
]);

const DESCRIBERS: Describers = { ...PLAIN_CONTENT, ...SOCIAL_CONTENT, ...BUSINESS_CONTENT };

export const UNSUPPORTED: Content = words('[Unsupported message]');

/**
 * What an unwrapped message says, for every kind of message there is: a kind that nobody described is called by its
 * name, `paymentInviteMessage` → `[Payment invite]`, and one that this version's schema does not know reads
 * `[Unsupported message]`.
 */
export function describe(message: proto.IMessage): Content {
  const found = mediaIn(message);
  if (found !== null) return { kind: 'media', ...found };
  const present = fieldsOf(message);
  const fields = present.filter((field) => !HOUSEKEEPING.has(field));
  for (const field of fields) {
    const content = describeField(message, field);
    if (content !== null) return content;
  }
  const [unknown] = fields;
  if (unknown !== undefined) return words(`[${spokenName(unknown)}]`);
  return present.some((field) => field !== 'messageContextInfo') ? ignored('housekeeping') : UNSUPPORTED;
}

const fieldsOf = (message: proto.IMessage): readonly FieldName[] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a decoded message has the schema's fields alone
  (Object.keys(message) as FieldName[]).filter(
    (field) => message[field] !== null && message[field] !== undefined,
  );

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- ties the describer to the field's own type
function describeField<Field extends FieldName>(message: proto.IMessage, field: Field): Content | null {
  const describer = DESCRIBERS[field];
  const value = message[field];
  return describer && value ? describer(value) : null;
}

const spokenName = (field: string): string => {
  const spaced = field
    .replace(/Message(V\d+)?$/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};
