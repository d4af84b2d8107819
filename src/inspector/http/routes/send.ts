import { z } from 'zod';
import { DragomanError } from '../../../base/errors.ts';
import { WIRE_LIMITS } from '../../../protocol/frames.ts';
import type { Administration } from '../../../system/administration.ts';
import { sentView } from '../../../system/administration/views.ts';
import type { Routes } from '../server.ts';
import { botId, identifier, problems } from './schemas.ts';

const text = z
  .string()
  .min(1, 'expected some text')
  .max(WIRE_LIMITS.textCharacters, `expected ${WIRE_LIMITS.textCharacters} characters at most`);

const body = z.strictObject({
  to: identifier.describe('Any identifier of the chat, or a phone number'),
  text,
  quoted: z.strictObject({ providerMessageId: identifier, text }).optional(),
  answersProviderMessageId: identifier
    .optional()
    .describe(
      'The message that it answers without quoting it: what came while the bot was away is not answered unless asked',
    ),
  answersBacklog: z
    .boolean()
    .optional()
    .describe("Whether it may answer what came while the bot was away; by default as the bot's settings say"),
  requestId: identifier
    .optional()
    .describe(
      'Whoever asks again with the same one never has the text sent twice; with another text it fails. Made up where it is not given',
    ),
});

export const sendRoutes =
  ({ send }: Pick<Administration, 'send'>): Routes =>
  (router) => {
    router.post(
      '/api/v1/bots/:botId/send',
      {
        schema: {
          tags: ['messages'],
          summary: 'Sends a text; answers when WhatsApp has it, or it is known that it has not',
          params: z.object({ botId }),
          body,
          response: { 200: sentView, ...problems },
        },
      },
      async ({
        params,
        body: { quoted, requestId, answersProviderMessageId, answersBacklog, ...request },
      }) => {
        const result = await send({
          ...request,
          botId: params.botId,
          ...(quoted && { quoted }),
          ...(answersProviderMessageId !== undefined && { answersProviderMessageId }),
          ...(answersBacklog !== undefined && { answersBacklog }),
          ...(requestId !== undefined && { requestId }),
        });
        if (result.kind === 'failed') throw new DragomanError(result.code, result.reason);
        return { requestId: result.requestId, providerMessageId: result.providerMessageId };
      },
    );
  };
