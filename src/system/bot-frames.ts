import type { BackendFrameBody } from '../protocol/frames.ts';
import type { RunningBot } from './running-bot.ts';

/** What a gateway is told of a bot. */

type FrameTo<T extends BackendFrameBody['type']> = Extract<BackendFrameBody, { type: T }>;

export function startOf({ settings, wish }: RunningBot): FrameTo<'bot.start'> {
  const { id, mediaStorageQuotaGb, groups, history, historySyncDays, backlogReplies } = settings;
  const pairingPhone = wish.pairingPhone ?? settings.pairingPhone;
  const config = {
    media_storage_quota_gb: mediaStorageQuotaGb,
    groups,
    ...(history === 'taken' && { history_sync_days: historySyncDays }),
    backlog_replies: backlogReplies,
    ...(pairingPhone !== undefined && { pairing_phone: pairingPhone }),
  };
  return { type: 'bot.start', bot_id: id, config };
}

export const stopOf = ({ settings }: RunningBot): FrameTo<'bot.stop'> => ({
  type: 'bot.stop',
  bot_id: settings.id,
});

export type ErrorFrame = FrameTo<'error'>;

/** Of a bot that a gateway names and that is not its own. */
export const notItsOwn = (botId: string): ErrorFrame => ({
  type: 'error',
  code: 'unknown_bot',
  bot_id: botId,
  reason: `bot ${botId} is not this gateway's: name the gateway in the backend's configuration`,
});
