import { z } from 'zod';
import type { Administration } from '../../../system/administration.ts';
import { deadLetterView, gatewayView, resentLetterView } from '../../../system/administration/views.ts';
import type { Routes } from '../server.ts';
import { identifier, page, pageOf, problems } from './schemas.ts';

const tags = ['gateways'];
const params = z.object({ gatewayId: identifier });
const letterParams = params.extend({ seq: z.coerce.number().int().positive() });

export const gatewayRoutes =
  ({ gateways }: Pick<Administration, 'gateways'>): Routes =>
  (router) => {
    router.get(
      '/api/v1/gateways',
      { schema: { tags, summary: 'All gateways', response: { 200: z.array(gatewayView), ...problems } } },
      async () => [...(await gateways.list())],
    );
    router.get(
      '/api/v1/gateways/:gatewayId/dead-letters',
      {
        schema: {
          tags,
          summary: 'What the backend refused for good and the gateway keeps, oldest first',
          params,
          querystring: z.object(page),
          response: { 200: pageOf(deadLetterView), ...problems },
        },
      },
      async ({ params: { gatewayId }, query }) => {
        const { items, next } = await gateways.deadLetters(gatewayId, query);
        return { items: [...items], next };
      },
    );
    router.post(
      '/api/v1/gateways/:gatewayId/dead-letters/:seq/retry',
      {
        schema: {
          tags,
          summary: 'Has a dead letter sent once more, behind everything that waits',
          params: letterParams,
          response: { 200: resentLetterView, ...problems },
        },
      },
      ({ params: { gatewayId, seq } }) => gateways.resend(gatewayId, seq),
    );
  };
