import { FORGET_DEADLINE_MS } from '../../actors/bot-protocol.ts';
import { canonicalAddress } from '../../protocol/address.ts';
import type { ChatAddress, ChatsAdministration } from '../administration.ts';
import type { HeldFile } from '../file-releaser.ts';
import type { RunningBot } from '../running-bot.ts';
import { assertKnownBot, noSuchChat } from './known-names.ts';

export interface ForgettingOptions {
  readonly bots: ReadonlyMap<string, RunningBot>;
  /** Deletes a file, and tells its gateway. Never rejects. */
  readonly forgetFile: (file: HeldFile) => Promise<void>;
}

export const administerForgetting = ({
  bots,
  forgetFile,
}: ForgettingOptions): Pick<ChatsAdministration, 'forget'> => ({
  async forget({ botId, identifier }: ChatAddress) {
    assertKnownBot(bots, botId);
    const forgetNamed = async (name: string) =>
      (await bots.get(botId)?.ref.ask('forget', name, { deadlineMs: FORGET_DEADLINE_MS })) ?? null;
    const forgotten = (await forgetNamed(identifier)) ?? (await forgetNamed(canonicalAddress(identifier)));
    if (forgotten === null) throw noSuchChat(botId);
    await Promise.all(forgotten.media.map(forgetFile));
    return { messages: forgotten.messages, jobs: forgotten.media.length };
  },
});
