import {
  areJidsSameUser,
  isHostedLidUser,
  isHostedPnUser,
  isJidGroup,
  isLidUser,
  isPnUser,
  jidNormalizedUser,
} from '@whiskeysockets/baileys';
import type { ProviderKey } from '../received.ts';
import { boundedIdentifier, boundedIdentifiers, boundedName } from './bounds.ts';

/** The attributes of a `<message>` stanza. */
export type StanzaAttributes = Readonly<Record<string, string | undefined>>;

/** The linked account: its own addresses, phone number and LID, and what it wants to hear. */
export interface Account {
  readonly jids: readonly string[];
  readonly policy: ReceptionPolicy;
}

export interface ReceptionPolicy {
  readonly groups: 'all' | 'none';
}

/** Who wrote to whom and when: what a stanza tells before it is decrypted. Addresses carry no device. */
export interface Envelope {
  readonly key: ProviderKey;
  readonly group: string | null;
  readonly sender: string;
  /** The chat of a message that the account's owner wrote to one person; null otherwise. */
  readonly recipient: string | null;
  /** The other addresses of the sender; of the recipient where there is one. */
  readonly alternates: readonly string[];
  readonly displayName: string | null;
  /** Epoch milliseconds, 0 where the stanza does not say. */
  readonly originatingTime: number;
  /** True when it was sent while the bot was away. */
  readonly backlog: boolean;
}

export type Addressing =
  | { readonly kind: 'envelope'; readonly envelope: Envelope }
  | { readonly kind: 'ignored'; readonly why: IgnoredSource };

/** `unaddressed`: not a chat of people, or without what names a message. */
export type IgnoredSource = 'own_device' | 'group' | 'unaddressed';

/**
 * Reads the addresses of a stanza. `sender` is the address that the stanza itself uses, be it a LID or a phone
 * number; the other one, where WhatsApp tells it, is an alternate.
 */
export function addressOf(attributes: StanzaAttributes, account: Account): Addressing {
  const from = jidNormalizedUser(attributes['from']);
  const id = boundedIdentifier(attributes['id']);
  if (id === null || boundedIdentifier(from) === null) return ignored('unaddressed');
  if (attributes['category'] === 'peer') return ignored('own_device');
  if (isJidGroup(from)) return inGroup(attributes, account, from, id);
  if (isPerson(from)) return betweenTwo(attributes, account, from, id);
  return ignored('unaddressed');
}

/** Whether `jid` is one of the account's own addresses, on whichever device. */
export const isOwn = (account: Account, jid: string): boolean =>
  account.jids.some((own) => areJidsSameUser(own, jid));

/** Whether a person, not a group, channel, broadcast or bot, is behind `jid`. */
const isPerson = (jid: string): boolean =>
  [isPnUser, isLidUser, isHostedPnUser, isHostedLidUser].some((matches) => matches(jid) === true);

function inGroup(attributes: StanzaAttributes, account: Account, group: string, id: string): Addressing {
  const sender = boundedIdentifier(jidNormalizedUser(attributes['participant']));
  if (sender === null) return ignored('unaddressed');
  if (account.policy.groups === 'none') return ignored('group');
  const key = { remoteJid: group, participant: sender, id, fromMe: isOwn(account, sender) };
  return envelope(attributes, key, {
    group,
    sender,
    recipient: null,
    alternates: alternatesIn(attributes, sender, ['participant_pn', 'participant_lid']),
  });
}

function betweenTwo(attributes: StanzaAttributes, account: Account, from: string, id: string): Addressing {
  if (!isOwn(account, from)) {
    return envelope(
      attributes,
      { remoteJid: from, participant: null, id, fromMe: false },
      {
        group: null,
        sender: from,
        recipient: null,
        alternates: alternatesIn(attributes, from, ['sender_pn', 'sender_lid']),
      },
    );
  }
  const recipient = boundedIdentifier(jidNormalizedUser(attributes['recipient'] ?? from));
  if (recipient === null || !isPerson(recipient)) return ignored('unaddressed');
  const recipientAttributes = ['recipient_pn', 'recipient_lid', 'peer_recipient_pn', 'peer_recipient_lid'];
  return envelope(
    attributes,
    { remoteJid: recipient, participant: null, id, fromMe: true },
    {
      group: null,
      sender: from,
      recipient,
      alternates: alternatesIn(attributes, recipient, recipientAttributes),
    },
  );
}

const alternatesIn = (
  attributes: StanzaAttributes,
  primary: string,
  names: readonly string[],
): readonly string[] =>
  boundedIdentifiers(names.map((name) => jidNormalizedUser(attributes[name]))).filter(
    (jid) => jid !== primary,
  );

function envelope(
  attributes: StanzaAttributes,
  key: ProviderKey,
  parties: Pick<Envelope, 'group' | 'sender' | 'recipient' | 'alternates'>,
): Addressing {
  const sentAt = Number(attributes['t']) * 1_000;
  return {
    kind: 'envelope',
    envelope: {
      key,
      ...parties,
      displayName: boundedName(attributes['notify']),
      originatingTime: Number.isSafeInteger(sentAt) && sentAt >= 0 ? sentAt : 0,
      backlog: attributes['offline'] !== undefined,
    },
  };
}

const ignored = (why: IgnoredSource): Addressing => ({ kind: 'ignored', why });
