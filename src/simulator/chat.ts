import type { BinaryNodeAttributes } from '@whiskeysockets/baileys';
import type { Account } from './account.ts';
import type { AddressingMode, Identity } from './identity.ts';
import type { Person } from './person.ts';

export interface DirectChat {
  readonly kind: 'direct';
  readonly account: Account;
  readonly correspondent: Person;
  /** Which of the correspondent's two names the chat goes by. */
  readonly addressing: AddressingMode;
  /** Whether stanzas tell the other name beside it, as WhatsApp mostly does. */
  readonly tellsOtherName: boolean;
}

export interface Group {
  readonly kind: 'group';
  readonly jid: string;
  readonly name: string;
  /** Which of their two names the members go by in this group. */
  readonly addressing: AddressingMode;
  readonly members: readonly Person[];
  /** The accounts that are members and have bots. */
  readonly accounts: readonly Account[];
  readonly createdAt: number;
}

export type Chat = DirectChat | Group;

/** The chat's JID, as the bot knows it. */
export const chatJid = (chat: Chat): string =>
  chat.kind === 'group' ? chat.jid : addressOf(chat.correspondent.identity, chat.addressing);

export const accountsOf = (chat: Chat): readonly Account[] =>
  chat.kind === 'group' ? chat.accounts : [chat.account];

export const addressOf = (identity: Identity, mode: AddressingMode): string =>
  mode === 'lid' ? identity.lid : identity.pn;

/**
 * The attributes of a stanza that say where and by whom a message was written. Beside the name that a chat
 * goes by, WhatsApp tells the other one: `sender_lid` or `sender_pn`, in groups `participant_lid` or
 * `participant_pn`. What the owner writes in a chat of two names the other person as `recipient`.
 */
export function addressAttributes(chat: Chat, sender: Person): BinaryNodeAttributes {
  if (chat.kind === 'group') {
    return {
      from: chat.jid,
      participant: addressOf(sender.identity, chat.addressing),
      ...otherName('participant', sender.identity, chat.addressing),
      addressing_mode: chat.addressing,
    };
  }
  const { addressing: mode, correspondent, tellsOtherName } = chat;
  const from = addressOf(sender.identity, mode);
  const ownerWrites = isFromOwner(chat, sender);
  return {
    from,
    ...(ownerWrites && { recipient: chatJid(chat) }),
    ...(tellsOtherName && otherName(ownerWrites ? 'recipient' : 'sender', correspondent.identity, mode)),
    addressing_mode: mode,
  };
}

/** Whether the message reaches bots as their own account's: wrapped, and with the chat beside it. */
export const isFromOwner = (chat: Chat, sender: Person): chat is DirectChat =>
  chat.kind === 'direct' && sender === chat.account.owner;

const otherName = (role: 'sender' | 'participant' | 'recipient', identity: Identity, mode: AddressingMode) =>
  mode === 'lid' ? { [`${role}_pn`]: identity.pn } : { [`${role}_lid`]: identity.lid };
