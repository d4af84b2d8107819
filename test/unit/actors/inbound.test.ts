import { describe, expect, test } from 'vitest';
import { chatIdentifiers, draftOf } from '../../../src/actors/inbound.ts';
import { textFrame } from '../../support/inbound-frames.ts';

const identifiersOf = (changes: Parameters<typeof textFrame>[2]) =>
  chatIdentifiers(textFrame('ann', '', changes).message);

describe('the chat that a message belongs to', () => {
  test('is the group, else the one who wrote, else the one who was written to', () => {
    expect(identifiersOf({ group: { id: 'g', alternate_identifiers: ['h'] } })).toEqual(['g', 'h']);
    expect(identifiersOf({ alternate_identifiers: ['lid'] })).toEqual(['ann', 'lid']);
    expect(identifiersOf({ direction: 'outgoing', recipient_id: 'bob' })).toEqual(['bob']);
    expect(identifiersOf({ direction: 'outgoing' })).toEqual(['ann']);
  });
});

describe('a message off the wire', () => {
  test('has every field, those that were not sent as null, false or nothing', () => {
    expect(draftOf(textFrame('ann', 'hello', { provider_message_id: 'id-1' }))).toEqual({
      content: 'hello',
      sender: { identifier: 'ann', displayName: null, alternateIdentifiers: [] },
      source: 'user',
      direction: 'incoming',
      originatingTime: 1_700_000_000_000,
      receivedTime: null,
      group: null,
      providerMessageId: 'id-1',
      mediaProcessingId: null,
      mimeType: null,
      originalFilename: null,
      recipientId: null,
      actualSender: null,
      quoted: null,
      mentions: [],
      albumId: null,
      editsProviderMessageId: null,
      correctsId: null,
      backlog: false,
    });
  });

  test('outgoing to one person: the other identifiers are the recipient’s, not the sender’s', () => {
    const outgoing = { direction: 'outgoing' as const, alternate_identifiers: ['bob@lid'] };
    const alternatesOf = (changes: Parameters<typeof textFrame>[2]) =>
      draftOf(textFrame('me', '', { ...outgoing, ...changes })).sender.alternateIdentifiers;
    expect(alternatesOf({ recipient_id: 'bob' })).toEqual([]);
    expect(alternatesOf({ group: { id: 'g' } })).toEqual(['bob@lid']);
    expect(alternatesOf({ direction: 'incoming' })).toEqual(['bob@lid']);
  });

  test('keeps what was sent', () => {
    const frame = textFrame('ann', 'hello', {
      display_name: 'Ann',
      group: { id: 'g', name: 'Group' },
      quoted: { provider_message_id: 'q', text: 'before' },
      mentions: ['bob'],
      backlog: true,
    });
    expect(draftOf(frame)).toMatchObject({
      sender: { displayName: 'Ann' },
      group: { id: 'g', name: 'Group', alternateIdentifiers: [] },
      quoted: { providerMessageId: 'q', text: 'before' },
      mentions: ['bob'],
      backlog: true,
    });
  });
});
