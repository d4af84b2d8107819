import type { Guid } from '../../../base/ids.ts';
import { messageDocument, chatFields } from '../../documents.ts';
import type { FailedJobProblem, JobRetry } from '../../failed-job-store.ts';
import type { OwnerTransaction, Transaction } from '../transactions.ts';
import { findJob, hasLiveJob, NO_ROUND } from './jobs.ts';
import { takeRounds } from './turns.ts';
import { ownedStore } from './writing.ts';

/** What a person does about jobs that ended in failure. */

export async function dropFailedJob(
  transaction: Transaction,
  guid: Guid,
): Promise<'dropped' | FailedJobProblem> {
  const { collections, session } = await ownedStore(transaction);
  const { deletedCount } = await collections.jobs.failed.deleteOne({ guid }, { session });
  if (deletedCount > 0) return 'dropped';
  return (await findJob(transaction, guid)) === null ? 'not_found' : 'not_failed';
}

/** Moves the failed job to where it is worked on; the chat's part is its caller's. */
export async function reopenFailedJob(
  transaction: OwnerTransaction,
  { correspondent, placeholder, mimeType, pool, collection }: JobRetry,
  retriedAt: number,
): Promise<'retried' | FailedJobProblem> {
  const { collections, session } = transaction;
  const { mediaProcessingId: guid, acceptedTime } = placeholder;
  const ofChat = { guid, ...chatFields(correspondent) };
  const job = await collections.jobs.failed.findOneAndDelete(ofChat, { session });
  if (job === null) return (await hasLiveJob(transaction, correspondent, guid)) ? 'not_failed' : 'not_found';
  const contenders = collection === 'active' ? [{ pool, ...correspondent }] : [];
  const [round = NO_ROUND] = await takeRounds(transaction, contenders);
  await collections.jobs[collection].insertOne(
    {
      ...job,
      placeholder_message: messageDocument(placeholder),
      status: 'pending',
      mime_type: mimeType,
      pool,
      round,
      attempts: 0,
      result: null,
      error: null,
      created_at: acceptedTime,
      changed_at: retriedAt,
      staged_at: retriedAt,
      claimed_at: null,
      completed_at: null,
    },
    { session },
  );
  return 'retried';
}
