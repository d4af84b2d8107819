import { z } from 'zod';
import type { Administration } from '../../../system/administration.ts';
import { actorView } from '../../../system/administration/views.ts';
import type { Routes } from '../server.ts';
import { problems } from './schemas.ts';

export const actorRoutes =
  ({ actors }: Pick<Administration, 'actors'>): Routes =>
  (router) => {
    router.get(
      '/api/v1/actors',
      {
        // It walks the whole tree.
        config: { rateLimit: { max: 60, timeWindow: 60_000 } },
        schema: {
          tags: ['actors'],
          summary: 'The live actor tree, parents before children',
          querystring: z.object({
            siblings: z.coerce
              .number()
              .int()
              .min(1)
              .max(1_000)
              .default(20)
              .describe('Of one kind under one parent, those with the most to do'),
          }),
          response: { 200: z.array(actorView), ...problems },
        },
      },
      async ({ query }) => [...(await actors.show(query.siblings))],
    );
  };
