import type { MediaProcessingJob } from '../jobs/job.ts';
import type { MessageDraft } from '../queue/message.ts';

/** The place of the message whose words a retried job replaces: the first one's, however often it was retried. */
export const correctedBy = ({ placeholder: { id, correctsId } }: MediaProcessingJob): number =>
  correctsId ?? id;

/** What arrives at the chat's tail when a failed job is retried: its medium again, by the same GUID. */
export const retryDraft = (job: MediaProcessingJob): MessageDraft => ({
  ...job.placeholder,
  correctsId: correctedBy(job),
});
