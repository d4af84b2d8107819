import { DragomanError } from '../../base/errors.ts';
import type { ChatAddress, ChatsAdministration } from '../administration.ts';
import type { HeldFile } from '../file-releaser.ts';
import type { RunningBot } from '../ingress.ts';
import { assertKnownBot } from './known-names.ts';

export interface ForgettingOptions {
  readonly bots: ReadonlyMap<string, RunningBot>;
  /** Deletes a file, and tells its gateway. Never rejects. */
  readonly forgetFile: (file: HeldFile) => Promise<void>;
}

/** For a chat with a long history. */
const DEADLINE_MS = 600_000;

export const administerForgetting = ({
  bots,
  forgetFile,
}: ForgettingOptions): Pick<ChatsAdministration, 'forget'> => ({
  async forget({ botId, identifier }: ChatAddress) {
    assertKnownBot(bots, botId);
    const forgotten = await bots.get(botId)?.ref.ask('forget', identifier, { deadlineMs: DEADLINE_MS });
    if (forgotten === undefined || forgotten === null) {
      throw new DragomanError('not_found', `bot ${botId} has no such chat`);
    }
    await Promise.all(forgotten.media.map(forgetFile));
    return { messages: forgotten.messages, jobs: forgotten.media.length };
  },
});
