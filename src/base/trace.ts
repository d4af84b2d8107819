import { createHash } from 'node:crypto';

/**
 * What joins the log lines of one message, in gateway and backend alike. A digest, as WhatsApp's own id would tell a
 * correspondent's devices apart. Null for a message that came without an id.
 */
export const traceOf = (botId: string, providerMessageId: string | null): string | null =>
  providerMessageId === null
    ? null
    : createHash('sha256').update(`${botId}\0${providerMessageId}`).digest('hex').slice(0, 16);
