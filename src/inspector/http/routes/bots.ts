import { z } from 'zod';
import type { Administration } from '../../../system/administration.ts';
import { botView } from '../../../system/administration/views.ts';
import type { Routes } from '../server.ts';
import { problems } from './schemas.ts';

export const botRoutes =
  ({ bots }: Pick<Administration, 'bots'>): Routes =>
  (router) => {
    router.get(
      '/api/v1/bots',
      {
        schema: { tags: ['bots'], summary: 'All bots', response: { 200: z.array(botView), ...problems } },
      },
      async () => [...(await bots.list())],
    );
  };
