import { proto, toNumber } from '@whiskeysockets/baileys';
import { bracketed, choices, type Content, type Describers, lines, words } from './content.ts';

const PinType = proto.Message.PinInChatMessage.Type;
const MAX_DATE_MS = 8.64e15;

/** What people send each other besides text and media: places, contacts, polls, events, reactions. */
export const SOCIAL_CONTENT: Describers = {
  locationMessage: (node) => words(describeLocation(node)),
  liveLocationMessage: (node) => words(lines(bracketed('Live location', coordinates(node)), node.caption)),
  contactMessage: (node) => words(describeContact(node)),
  contactsArrayMessage: (node) => words(lines(...(node.contacts ?? []).map(describeContact))),
  pollCreationMessage: describePoll,
  pollCreationMessageV2: describePoll,
  pollCreationMessageV3: describePoll,
  pollCreationMessageV5: describePoll,
  pollUpdateMessage: (node) => words('[Voted in a poll]', node.pollCreationMessageKey?.id),
  pollResultSnapshotMessage: describePollResult,
  pollResultSnapshotMessageV3: describePollResult,
  reactionMessage: (node) =>
    words(node.text ? `[Reacted with ${node.text}]` : '[Removed a reaction]', node.key?.id),
  encReactionMessage: (node) => words('[Reacted]', node.targetMessageKey?.id),
  encCommentMessage: (node) => words('[Commented]', node.targetMessageKey?.id),
  pinInChatMessage: (node) =>
    words(node.type === PinType.UNPIN_FOR_ALL ? '[Unpinned a message]' : '[Pinned a message]', node.key?.id),
  groupInviteMessage: (node) => words(lines(bracketed('Group invite', node.groupName), node.caption)),
  newsletterAdminInviteMessage: (node) =>
    words(lines(bracketed('Channel invite', node.newsletterName), node.caption)),
  eventMessage: describeEvent,
  encEventResponseMessage: (node) =>
    words('[Answered an event invitation]', node.eventCreationMessageKey?.id),
  scheduledCallCreationMessage: (node) =>
    words(bracketed('Scheduled call', node.title, instant(toNumber(node.scheduledTimestampMs)))),
  call: () => words('[Call]'),
  callLogMesssage: (node) => words(bracketed(node.isVideo ? 'Video call' : 'Voice call')),
  stickerPackMessage: (node) => words(lines(bracketed('Sticker pack', node.name), node.caption)),
  questionResponseMessage: (node) => words(node.text, node.key?.id),
  requestPhoneNumberMessage: () => words('[Asked for the phone number]'),
  placeholderMessage: () => words('[Message that only the phone shows]'),
};

export function describeLocation(node: proto.Message.ILocationMessage): string {
  const label = node.isLive ? 'Live location' : 'Location';
  return lines(bracketed(label, node.name, node.address, coordinates(node)), node.comment);
}

interface Place {
  readonly degreesLatitude?: number | null;
  readonly degreesLongitude?: number | null;
}

const coordinates = ({ degreesLatitude, degreesLongitude }: Place): string =>
  `${degreesLatitude ?? 0}, ${degreesLongitude ?? 0}`;

function describeContact(node: proto.Message.IContactMessage): string {
  const numbers = [...(node.vcard ?? '').matchAll(/^(?:item\d+\.)?TEL[^:\n]*:(.+)$/gim)].map(
    ([, tel]) => tel,
  );
  return bracketed('Contact', node.displayName, ...numbers);
}

function describePoll(node: proto.Message.IPollCreationMessage): Content {
  return words(
    lines(bracketed('Poll', node.name), choices(node.options?.map((option) => option.optionName))),
  );
}

function describePollResult(node: proto.Message.IPollResultSnapshotMessage): Content {
  const votes = node.pollVotes?.map((vote) => `${vote.optionName ?? ''}: ${toNumber(vote.optionVoteCount)}`);
  return words(lines(bracketed('Poll result', node.name), choices(votes)));
}

function describeEvent(node: proto.Message.IEventMessage): Content {
  const label = node.isCanceled ? 'Canceled event' : 'Event';
  const { name, location, startTime, description, joinLink } = node;
  const starts = instant(toNumber(startTime) * 1_000);
  return words(
    lines(bracketed(label, name, starts, location?.name, location?.address), description, joinLink),
  );
}

/** A time that a person can read; null when there is none. */
const instant = (epochMs: number): string | null =>
  epochMs > 0 && epochMs <= MAX_DATE_MS ? new Date(epochMs).toISOString() : null;
