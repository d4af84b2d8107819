import { newGuid } from '../../src/base/ids.ts';
import type { ClaimedJob } from '../../src/jobs/job.ts';
import type { Placeholder } from '../../src/queue/message.ts';

/** A job as a worker gets it: an image with the caption "look", in the pool "image", at its first attempt. */
export function claimedJob(overrides: Partial<ClaimedJob> = {}): ClaimedJob {
  const guid = overrides.guid ?? newGuid();
  return {
    guid,
    correspondent: { botId: 'bot-a', providerName: 'simulator', correspondentId: 'ana@example' },
    placeholder: placeholder(guid),
    collection: 'active',
    status: 'processing',
    mimeType: 'image/jpeg',
    pool: 'image',
    originalFilename: null,
    result: null,
    error: null,
    attempts: 0,
    claimToken: 'token-1',
    leaseExpiresAt: 1_700_000_030_000,
    availableAt: null,
    round: 1,
    seq: 1,
    createdAt: 1_700_000_000_000,
    changedAt: 1_700_000_000_000,
    media: { bytes: 4, sha256: null, quotaExceeded: false, corruptReason: null, gatewayId: 'gateway-a' },
    ...overrides,
  };
}

const placeholder = (guid: string): Placeholder => ({
  id: 1,
  content: 'look',
  messageSize: 4,
  sender: { identifier: 'ana@example', displayName: null, alternateIdentifiers: [] },
  source: 'user',
  direction: 'incoming',
  acceptedTime: 1_700_000_000_000,
  readyTime: null,
  originatingTime: null,
  group: null,
  providerMessageId: 'P1',
  mediaProcessingId: guid,
  mimeType: 'image/jpeg',
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
