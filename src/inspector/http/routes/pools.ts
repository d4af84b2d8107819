import { z } from 'zod';
import type { Administration } from '../../../system/administration.ts';
import { poolView, stagingView } from '../../../system/administration/views.ts';
import type { Routes } from '../server.ts';
import { problems } from './schemas.ts';

const tags = ['pools'];

export const poolRoutes =
  ({ pools }: Pick<Administration, 'pools'>): Routes =>
  (router) => {
    router.get(
      '/api/v1/pools',
      {
        schema: {
          tags,
          summary: 'Worker pools and what waits for them',
          response: { 200: z.array(poolView), ...problems },
        },
      },
      async () => [...(await pools.list())],
    );
    router.get(
      '/api/v1/staging',
      {
        schema: {
          tags,
          summary: 'What lies in the staging folder',
          response: { 200: stagingView, ...problems },
        },
      },
      () => pools.staging(),
    );
  };
