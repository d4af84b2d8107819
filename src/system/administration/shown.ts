import type { MediaProcessingJob } from '../../jobs/job.ts';
import { journeyOf } from '../../jobs/journey.ts';
import type { Message } from '../../queue/message.ts';
import type { HistoryEntry, StoredMessage } from '../../store/message-store.ts';
import type { HistoryView, JobView, JourneyView, MessageView } from './views.ts';

/** What the domain has, as it is shown. */

export const messageViewOf = ({ sender, group, mentions, ...message }: Message): MessageView => ({
  id: message.id,
  content: message.content,
  sender: {
    identifier: sender.identifier,
    displayName: sender.displayName,
    alternateIdentifiers: [...sender.alternateIdentifiers],
  },
  source: message.source,
  direction: message.direction,
  acceptedTime: message.acceptedTime,
  readyTime: message.readyTime,
  originatingTime: message.originatingTime,
  receivedTime: message.receivedTime,
  mediaTimes: message.mediaTimes,
  messageSize: message.messageSize,
  group: group === null ? null : { id: group.id, name: group.name },
  providerMessageId: message.providerMessageId,
  mediaProcessingId: message.mediaProcessingId,
  mimeType: message.mimeType,
  originalFilename: message.originalFilename,
  quoted: message.quoted,
  mentions: [...mentions],
  albumId: message.albumId,
  editsProviderMessageId: message.editsProviderMessageId,
  correctsId: message.correctsId,
  backlog: message.backlog,
});

export const historyViewOf = ({ ingestSeq, ingestedAt, message }: HistoryEntry): HistoryView => ({
  ingestSeq,
  ingestedAt,
  message: messageViewOf(message),
});

/** `job`: that of a placeholder. */
export function journeyViewOf(
  { message, ingestedAt }: StoredMessage,
  job: MediaProcessingJob | null,
): JourneyView {
  const { stops, next, tookMs } = journeyOf(message, job, ingestedAt);
  return {
    message: messageViewOf(message),
    stops: [...stops],
    next,
    tookMs,
    job: job === null ? null : { guid: job.guid, attempts: job.attempts, pool: job.pool },
  };
}

/** Without the claim token: whoever has it could complete the job. */
export const jobViewOf = (job: MediaProcessingJob): JobView => ({
  guid: job.guid,
  correspondent: job.correspondent,
  messageId: job.placeholder.id,
  caption: job.placeholder.content,
  collection: job.collection,
  status: job.status,
  mimeType: job.mimeType,
  pool: job.pool,
  originalFilename: job.originalFilename,
  result: job.result,
  error: job.error,
  attempts: job.attempts,
  leaseExpiresAt: job.leaseExpiresAt,
  availableAt: job.availableAt,
  seq: job.seq,
  createdAt: job.createdAt,
  changedAt: job.changedAt,
  media: job.media,
});
