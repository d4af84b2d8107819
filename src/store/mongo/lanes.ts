import type { Guid } from '../../base/ids.ts';
import type { CorrespondentKey } from '../../jobs/job.ts';

/** The lanes of whatever is written: calls of the same chat or job would only meet in their transactions. */
export const lanesOf = {
  chat: ({ botId, providerName, correspondentId }: CorrespondentKey): string =>
    `chat ${botId} ${providerName} ${correspondentId}`,
  guid: (guid: Guid): string => `guid ${guid}`,
};

/** The pool, as it were, of whatever writes the store's own fence: the owner does one such thing at a time. */
export const STORE = 'the store';
