import { newGuid } from '../../src/base/ids.ts';
import type { ClaimedJob } from '../../src/jobs/job.ts';
import { placeholderMessage } from './store-records.ts';

/** A job as a worker gets it: an image with the caption "look", in the pool "image", at its first attempt. */
export function claimedJob(overrides: Partial<ClaimedJob> = {}): ClaimedJob {
  const guid = overrides.guid ?? newGuid();
  return {
    guid,
    correspondent: { botId: 'bot-a', providerName: 'simulator', correspondentId: 'ana@example' },
    placeholder: placeholderMessage(1, guid, { content: 'look', messageSize: 4 }),
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
    stagedAt: null,
    claimedAt: null,
    completedAt: null,
    media: { bytes: 4, sha256: null, quotaExceeded: false, corruptReason: null, gatewayId: 'gateway-a' },
    ...overrides,
  };
}
