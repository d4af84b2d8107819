import type { MediaTimes, Message } from '../queue/message.ts';

/**
 * Where a message passes, in this order: written by its sender, received on the gateway's disk, journalled in its chat,
 * its medium's file staged, its job claimed, worded, ready in its place, ingested into the history.
 */
export const JOURNEY_STEPS = [
  'sent',
  'received',
  'journalled',
  'staged',
  'claimed',
  'worded',
  'ready',
  'ingested',
] as const;
export type JourneyStep = (typeof JOURNEY_STEPS)[number];

/** `at`: epoch milliseconds. `tookMs`: since the stop before it; null for the first. */
export interface JourneyStop {
  readonly step: JourneyStep;
  readonly at: number;
  readonly tookMs: number | null;
}

export interface Journey {
  /** Those that are known to have been made. */
  readonly stops: readonly JourneyStop[];
  /** What comes next; null once it is in the history. */
  readonly next: JourneyStep | null;
  /** From the first stop on our side, or on the sender's where there is none, to the last. */
  readonly tookMs: number;
}

/**
 * The journey of a message so far. `media`: the times on its job while it is a placeholder. The sender's clock is not
 * ours, and a gateway's need not be: what would have taken less than no time took none.
 */
export function journeyOf(message: Message, media: MediaTimes | null, ingestedAt: number | null): Journey {
  const times = timesOf(message, message.mediaTimes ?? media, ingestedAt);
  const stops: JourneyStop[] = [];
  for (const step of JOURNEY_STEPS) {
    const at = times[step];
    if (at === null) continue;
    const last = stops.at(-1);
    stops.push({ step, at, tookMs: last === undefined ? null : Math.max(at - last.at, 0) });
  }
  const ours = stops.filter(({ step }) => step !== 'sent');
  const [first] = ours.length > 0 ? ours : stops;
  const last = stops.at(-1);
  const tookMs = first === undefined || last === undefined ? 0 : Math.max(last.at - first.at, 0);
  return { stops, next: nextOf(message, times), tookMs };
}

type Times = Readonly<Record<JourneyStep, number | null>>;

function timesOf(message: Message, media: MediaTimes | null, ingestedAt: number | null): Times {
  // A text is ready from its acceptance: that is no stop of its own.
  const isText = media === null && message.readyTime === message.acceptedTime;
  return {
    sent: message.originatingTime,
    received: message.receivedTime,
    journalled: message.acceptedTime,
    staged: media?.stagedAt ?? null,
    claimed: media?.claimedAt ?? null,
    worded: media?.completedAt ?? null,
    ready: isText ? null : message.readyTime,
    ingested: ingestedAt,
  };
}

function nextOf({ mediaProcessingId }: Message, times: Times): JourneyStep | null {
  if (times.ingested !== null) return null;
  if (mediaProcessingId === null) return 'ingested';
  if (times.staged === null) return 'staged';
  if (times.claimed === null) return 'claimed';
  return times.worded === null ? 'worded' : 'ready';
}
