import { z } from 'zod';
import type { Administration } from '../../../system/administration.ts';
import { chatView, historyView, journeyView, messageView } from '../../../system/administration/views.ts';
import type { Routes } from '../server.ts';
import { botId, chatParams, page, pageOf, problems } from './schemas.ts';

const tags = ['chats'];
export const forgotten = z.object({ messages: z.number(), jobs: z.number() });
const CHAT = '/api/v1/bots/:botId/chats/:identifier';

const historyPage = z
  .object({
    before: z.coerce
      .number()
      .int()
      .min(1)
      .optional()
      .describe('Entries with a lower ingestSeq, newest first'),
    after: z.coerce
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Entries with a higher ingestSeq, oldest first'),
    limit: page.limit,
  })
  .refine(
    ({ before, after }) => before === undefined || after === undefined,
    'expected before or after, not both',
  );

export const chatRoutes =
  ({ chats }: Pick<Administration, 'chats'>): Routes =>
  (router) => {
    router.get(
      '/api/v1/bots/:botId/chats',
      {
        schema: {
          tags,
          summary: "A bot's chats, in the order in which they were made",
          params: z.object({ botId }),
          querystring: z.object(page),
          response: { 200: pageOf(chatView), ...problems },
        },
      },
      async ({ params, query }) => writable(await chats.list(params.botId, query)),
    );
    router.get(
      CHAT,
      { schema: { tags, summary: 'One chat', params: chatParams, response: { 200: chatView, ...problems } } },
      ({ params }) => chats.show(params),
    );
    router.delete(
      CHAT,
      {
        schema: {
          tags,
          summary: 'Deletes everything of a chat, for good',
          params: chatParams,
          response: { 200: forgotten, ...problems },
        },
      },
      ({ params }) => chats.forget(params),
    );
    router.get(
      `${CHAT}/queue`,
      {
        schema: {
          tags,
          summary: 'What is not in the history yet, in the order of places',
          params: chatParams,
          response: { 200: z.array(messageView), ...problems },
        },
      },
      async ({ params }) => [...(await chats.queue(params))],
    );
    router.get(
      `${CHAT}/history`,
      {
        schema: {
          tags,
          summary: 'The history: from the newest back, or, with `after`, onwards from where one has read to',
          params: chatParams,
          querystring: historyPage,
          response: { 200: z.array(historyView), ...problems },
        },
      },
      async ({ params, query }) => [...(await chats.history(params, query))],
    );
    router.get(
      `${CHAT}/messages/:id`,
      {
        schema: {
          tags,
          summary: 'One message by its place, and the way it has come',
          params: chatParams.extend({ id: z.coerce.number().int().min(0) }),
          response: { 200: journeyView, ...problems },
        },
      },
      ({ params: { id, ...chat } }) => chats.message(chat, id),
    );
  };

const writable = <Item>({ items, next }: { items: readonly Item[]; next: string | null }) => ({
  items: [...items],
  next,
});
