/** Names one media file, its job and its placeholder. */
export type Guid = string;

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const BOT_ID = /^[a-z0-9][a-z0-9-]{0,63}$/;

export const newGuid = (): Guid => crypto.randomUUID();

/** Whether `text` is a lower-case RFC 9562 UUID, hence safe as a file name. */
export const isGuid = (text: string): boolean => GUID.test(text);

/** Whether `text` may name a bot: lower-case letters, digits and dashes, 64 at most. */
export const isBotId = (text: string): boolean => BOT_ID.test(text);
