import { Counter, Histogram, type Registry } from 'prom-client';
import type { DragomanEvent } from '../../actors/events.ts';
import type { ReadyMessage } from '../../queue/message.ts';

const SHORT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const LONG_SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800];

/**
 * Counts what happens to messages. Labels are bots, outcomes and reasons: never a chat or a person, of whom there is no
 * end. Returns what takes the events in.
 */
export function eventMetrics(registry: Registry): (event: DragomanEvent) => void {
  const registers = [registry];
  const counter = <const Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const histogram = (name: string, help: string, buckets: readonly number[]) =>
    new Histogram({ name, help, buckets: [...buckets], labelNames: ['bot'], registers });

  const accepted = counter('dragoman_messages_accepted_total', 'Messages that were given a place', [
    'bot',
    'kind',
  ]);
  const duplicates = counter('dragoman_messages_duplicate_total', 'Second copies that were dropped', ['bot']);
  const ingested = counter('dragoman_messages_ingested_total', 'Messages moved into the history', ['bot']);
  const evicted = counter('dragoman_messages_evicted_total', 'Messages that a limit evicted', [
    'bot',
    'reason',
  ]);
  const settled = counter('dragoman_media_settled_total', 'Placeholders that became texts', [
    'bot',
    'outcome',
  ]);
  const jobsDone = counter('dragoman_jobs_done_total', 'Jobs that came to their end', ['pool']);
  const linkLag = histogram(
    'dragoman_link_lag_seconds',
    'From the gateway having a message on its disk to its place in the queue',
    SHORT_SECONDS,
  );
  const ingestWait = histogram(
    'dragoman_ingest_wait_seconds',
    'From a message being ready to the history',
    SHORT_SECONDS,
  );
  const download = histogram(
    'dragoman_media_download_seconds',
    'From acceptance to the staged file',
    LONG_SECONDS,
  );
  const claimWait = histogram(
    'dragoman_media_claim_wait_seconds',
    'From the staged file to a worker',
    LONG_SECONDS,
  );
  const processing = histogram(
    'dragoman_media_processing_seconds',
    "A worker's time for one medium",
    LONG_SECONDS,
  );

  const settle = (bot: string, { acceptedTime, mediaTimes }: ReadyMessage, failed: boolean): void => {
    settled.inc({ bot, outcome: failed ? 'failed' : 'words' });
    if (mediaTimes === null) return;
    const { stagedAt, claimedAt, completedAt } = mediaTimes;
    observe(download, bot, acceptedTime, stagedAt);
    observe(claimWait, bot, stagedAt, claimedAt);
    observe(processing, bot, claimedAt, completedAt);
  };

  return (event) => {
    switch (event.kind) {
      case 'accepted': {
        const { chat, message } = event;
        accepted.inc({ bot: chat.botId, kind: message.mediaProcessingId === null ? 'text' : 'media' });
        // What came while the bot was away says nothing about the link.
        if (!message.backlog) observe(linkLag, chat.botId, message.receivedTime, message.acceptedTime);
        return;
      }
      case 'duplicate':
        return duplicates.inc({ bot: event.chat.botId });
      case 'fulfilled':
        return settle(event.chat.botId, event.message, event.failed);
      case 'job_done':
        return jobsDone.inc({ pool: event.pool });
      case 'evicted':
        return evicted.inc({ bot: event.chat.botId, reason: event.reason });
      case 'ingested':
        ingested.inc({ bot: event.chat.botId }, event.messages.length);
        for (const { readyTime } of event.messages)
          observe(ingestWait, event.chat.botId, readyTime, event.at);
        return;
      case 'bot':
      case 'queue':
      case 'rehydrated':
      case 'forgotten':
    }
  };
}

function observe(histogram: Histogram<'bot'>, bot: string, from: number | null, until: number | null): void {
  if (from !== null && until !== null) histogram.observe({ bot }, Math.max(until - from, 0) / 1_000);
}
