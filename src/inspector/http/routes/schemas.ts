import { z } from 'zod';
import { isBotId, isGuid } from '../../../base/ids.ts';
import { WIRE_LIMITS } from '../../../protocol/frames.ts';
import { problem } from '../problem.ts';

/** What requests may say. Everything that comes over HTTP is decoded by one of these. */

export const botId = z.string().refine(isBotId, 'expected a bot id: lower-case letters, digits and dashes');
export const guid = z.string().refine(isGuid, 'expected a lower-case UUID');
export const identifier = z.string().min(1).max(WIRE_LIMITS.identifierCharacters);

export const page = {
  after: z
    .string()
    .regex(/^\d{1,15}$/, 'expected the `next` of the page before')
    .optional()
    .describe('The `next` of the page before'),
  limit: z.coerce
    .number()
    .int()
    .min(1, 'expected 1 at least')
    .max(200, 'expected 200 at most')
    .default(50)
    .describe('Items of a page'),
};

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().describe('`after` of the next page; null: this is the last'),
  });

export const chatParams = z.object({
  botId,
  identifier: identifier.describe('Any identifier of the chat, or its phone number, percent-encoded'),
});

/** What goes wrong is told the same way everywhere. */
export const problems = { '4xx': problem, '5xx': problem };
