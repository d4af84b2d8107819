import type { Clock } from '../base/clock.ts';
import { deadline, pause, untilAborted, withDeadline } from '../base/deadlines.ts';
import { hasCode } from '../base/errors.ts';
import type { MediaReference, ProviderKey } from './received.ts';
import type { Session } from './session.ts';

/** So that a connection that is ending has time to end. */
const BETWEEN_QUESTIONS_MS = 1_000;

export interface ReuploadQuestion {
  readonly session: Session;
  readonly key: ProviderKey;
  readonly clock: Clock;
  /** How long the phone may take, once it is asked. */
  readonly answerTimeoutMs: number;
  /** By the clock: how long a connection is waited for. */
  readonly giveUpAt: number;
}

/**
 * Asks the sender's phone to upload a medium again. Resolves to its new path; null when the phone refuses, or does not
 * answer in time. A session that is not connected is waited for, and one whose connection ends meanwhile asks again: the
 * phone's time counts from when it is asked, and all of it is bounded.
 */
export async function askForReupload(
  { session, key, clock, answerTimeoutMs, giveUpAt }: ReuploadQuestion,
  media: MediaReference,
  signal: AbortSignal,
): Promise<string | null> {
  using limit = deadline(clock, giveUpAt - clock.now());
  const bounded = AbortSignal.any([signal, limit.signal]);
  const ask = (limited: AbortSignal): Promise<string> => session.requestReupload(key, media, limited);
  while (!bounded.aborted) {
    try {
      await untilAborted(session.untilOpen(bounded), bounded);
      return await withDeadline(clock, answerTimeoutMs, ask, bounded);
    } catch (error) {
      if (!hasCode(error, 'link_closed')) return null;
    }
    await pause(clock, BETWEEN_QUESTIONS_MS, bounded).catch(() => {});
  }
  return null;
}
