import { z } from 'zod';
import type { Administration } from '../../../system/administration.ts';
import type { Followers } from '../../live/followers.ts';
import type { Routes } from '../server.ts';
import { botId, problems } from './schemas.ts';

/** `GET /api/v1/bots/:botId/follow`: server-sent events for programs that read the history as it grows. */
export const followRoutes =
  ({ chats }: Pick<Administration, 'chats'>, followers: Followers): Routes =>
  (router) => {
    router.get(
      '/api/v1/bots/:botId/follow',
      {
        schema: {
          tags: ['chats'],
          summary: 'Server-sent events: which chats of a bot have something new in their history',
          params: z.object({ botId }),
          response: {
            200: z.any().describe('`event: ingested`, `data: {"correspondentId": …, "messages": …}`'),
            ...problems,
          },
        },
      },
      async ({ params }, reply) => {
        // Rejects for a bot that nobody knows.
        await chats.list(params.botId, { limit: 1 });
        return reply
          .type('text/event-stream')
          .header('cache-control', 'no-store')
          .send(followers.follow(params.botId));
      },
    );
  };
