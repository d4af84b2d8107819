import type { Administration } from '../../../system/administration.ts';
import { janitorView } from '../../../system/administration/views.ts';
import type { Routes } from '../server.ts';
import { problems } from './schemas.ts';

export const janitorRoutes =
  ({ janitor }: Pick<Administration, 'janitor'>): Routes =>
  (router) => {
    router.get(
      '/api/v1/janitor/plan',
      {
        schema: {
          tags: ['janitor'],
          summary: 'What the janitor would do now; changes nothing',
          response: { 200: janitorView, ...problems },
        },
      },
      () => janitor.plan(),
    );
  };
