import { z } from 'zod';
import type { Administration } from '../../../system/administration.ts';
import { jobView, retriedJobView } from '../../../system/administration/views.ts';
import type { Routes } from '../server.ts';
import { botId, guid, page, pageOf, problems } from './schemas.ts';

const tags = ['jobs'];
const params = z.object({ guid });

export const jobRoutes =
  ({ jobs }: Pick<Administration, 'jobs'>): Routes =>
  (router) => {
    router.get(
      '/api/v1/jobs',
      {
        schema: {
          tags,
          summary: 'Jobs of a collection, the newest first',
          querystring: z.object({
            collection: jobView.shape.collection.default('active'),
            botId: botId.optional(),
            pool: z.string().min(1).max(64).optional(),
            status: jobView.shape.status.optional(),
            ...page,
          }),
          response: { 200: pageOf(jobView), ...problems },
        },
      },
      async ({ query: { after, limit, ...filter } }) => {
        const { items, next } = await jobs.list(filter, { after, limit });
        return { items: [...items], next };
      },
    );
    router.get(
      '/api/v1/jobs/:guid',
      { schema: { tags, summary: 'One job', params, response: { 200: jobView, ...problems } } },
      (request) => jobs.show(request.params.guid),
    );
    router.post(
      '/api/v1/jobs/:guid/retry',
      {
        schema: {
          tags,
          summary: 'Gives a failed job another try: its words will be a message of its own',
          params,
          response: { 200: retriedJobView, ...problems },
        },
      },
      (request) => jobs.retry(request.params.guid),
    );
    router.delete(
      '/api/v1/jobs/:guid',
      {
        schema: {
          tags,
          summary: 'Forgets a failed job, and its file',
          params,
          response: { 200: jobView, ...problems },
        },
      },
      (request) => jobs.drop(request.params.guid),
    );
  };
