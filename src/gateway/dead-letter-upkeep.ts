import { batchesOf } from '../base/batches.ts';
import type { Logger } from '../base/log.ts';
import { traceOf } from '../base/trace.ts';
import { DAY_MS } from '../base/units.ts';
import type { DeadLetters, DroppedLetter } from './dead-letters.ts';
import type { GatewaySettings } from './settings.ts';

const LETTERS_OF_A_LINE = 100;

const BECAUSE: Readonly<Record<DroppedLetter['why'], string>> = {
  age: 'dead letters were too old to keep, and are gone',
  number: 'there were too many dead letters, and the oldest are gone',
  bytes: 'dead letters took too much room, and the oldest are gone',
};

type Bounds = Pick<GatewaySettings, 'deadLetterDays' | 'maxDeadLetters' | 'maxDeadLetterBytes'>;

/** Drops the dead letters that are beyond what is kept, and names each of them in the log. */
export function dropOldLetters(letters: DeadLetters, settings: Bounds, log: Logger): void {
  const dropped = letters.dropBeyond({
    maxAgeMs: settings.deadLetterDays * DAY_MS,
    maxLetters: settings.maxDeadLetters,
    maxBytes: settings.maxDeadLetterBytes,
  });
  for (const [why, all] of Map.groupBy(dropped, (letter) => letter.why)) {
    for (const some of batchesOf(all, LETTERS_OF_A_LINE)) {
      log.warn({ why, letters: some.length, dropped: some.map(named) }, BECAUSE[why]);
    }
  }
}

const named = ({ seq, type, botId, guid, providerMessageId }: DroppedLetter) => ({
  seq,
  type,
  bot_id: botId,
  guid,
  trace: botId === null ? null : traceOf(botId, providerMessageId),
});
