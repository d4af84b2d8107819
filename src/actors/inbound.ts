import type { Guid } from '../base/ids.ts';
import { UNKNOWN_TYPE } from '../jobs/media-type.ts';
import type { RouteToPool } from '../jobs/pools.ts';
import type { InboundFrame, WireMessage } from '../protocol/frames.ts';
import type { MessageDraft } from '../queue/message.ts';
import type { AddPlan } from '../queue/plan.ts';
import type { NewJob } from '../store/message-store.ts';

/** Every name of the chat that a message belongs to, the one it came under first. */
export function chatIdentifiers(message: WireMessage): readonly [string, ...string[]] {
  if (message.group !== undefined) return [message.group.id, ...(message.group.alternate_identifiers ?? [])];
  const peer = message.direction === 'outgoing' ? (message.recipient_id ?? message.sender) : message.sender;
  return [peer, ...(message.alternate_identifiers ?? [])];
}

/** Outgoing, in a chat of two: the alternate identifiers are the recipient's, like the chat. */
const isToOnePerson = ({ group, direction, recipient_id: recipient }: WireMessage): boolean =>
  group === undefined && direction === 'outgoing' && recipient !== undefined;

/** A wire message as the queue takes it. */
export function draftOf({ message }: InboundFrame): MessageDraft {
  return {
    content: message.message,
    sender: {
      identifier: message.sender,
      displayName: message.display_name ?? null,
      alternateIdentifiers: isToOnePerson(message) ? [] : (message.alternate_identifiers ?? []),
    },
    source: message.source,
    direction: message.direction,
    originatingTime: message.originating_time,
    receivedTime: message.received_time ?? null,
    group:
      message.group === undefined
        ? null
        : {
            id: message.group.id,
            name: message.group.name ?? null,
            alternateIdentifiers: message.group.alternate_identifiers ?? [],
          },
    providerMessageId: message.provider_message_id,
    mediaProcessingId: message.media_processing_id ?? null,
    mimeType: message.mime_type ?? null,
    originalFilename: message.original_filename ?? null,
    recipientId: message.recipient_id ?? null,
    actualSender: message.actual_sender ?? null,
    quoted:
      message.quoted === undefined
        ? null
        : { providerMessageId: message.quoted.provider_message_id, text: message.quoted.text },
    mentions: message.mentions ?? [],
    albumId: message.album_id ?? null,
    editsProviderMessageId: message.edits_provider_message_id ?? null,
    correctsId: null,
    backlog: message.backlog ?? false,
  };
}

/**
 * What to process a staged file as: the sender's word, unless the file's first bytes contradict it. Rejects with
 * `no_handles` when there is no file handle to look with and that word says nothing: the file is to be staged again.
 */
export type MimeTypeOf = (guid: Guid, sendersWord: string, gatewayId: string) => Promise<string>;

/** Where the job of a medium comes from, and where it goes. */
export interface JobOrigin {
  readonly gatewayId: string;
  readonly routeToPool: RouteToPool;
  readonly mimeTypeOf: MimeTypeOf;
  jobsStartIn(): 'active' | 'holding';
}

/** The job that a message brings with it, or null for a text. */
export async function newJobOf(
  { message }: InboundFrame,
  plan: AddPlan,
  origin: JobOrigin,
): Promise<NewJob | null> {
  const guid = message.media_processing_id;
  if (guid === undefined) return null;
  const start = await startOf(message, guid, plan, origin);
  return {
    guid,
    mimeType: message.mime_type ?? UNKNOWN_TYPE,
    originalFilename: message.original_filename ?? null,
    gatewayId: origin.gatewayId,
    start,
    // Read last, with nothing to wait for before the write: whoever moves jobs waits for turns that have begun.
    collection: origin.jobsStartIn(),
  };
}

async function startOf(
  message: WireMessage,
  guid: Guid,
  plan: AddPlan,
  origin: JobOrigin,
): Promise<NewJob['start']> {
  if (plan.overCap !== null) {
    const reason = 'the chat has as many placeholders as it may';
    return {
      kind: 'failed',
      placeholder: plan.overCap,
      error: { code: 'too_many_pending', reason, stack: null },
    };
  }
  if (message.media_state === 'downloading') return { kind: 'downloading' };
  const mimeType = await origin.mimeTypeOf(guid, message.mime_type ?? UNKNOWN_TYPE, origin.gatewayId);
  return {
    kind: 'staged',
    media: {
      mimeType,
      pool: origin.routeToPool(mimeType).name,
      media: {
        bytes: null,
        sha256: null,
        quotaExceeded: message.quota_exceeded ?? false,
        corruptReason: null,
        gatewayId: origin.gatewayId,
      },
    },
  };
}
