import { z } from 'zod';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Routes } from '../server.ts';

/** `/metrics`, for Prometheus. */
export const metricsRoutes =
  (metrics: Metrics): Routes =>
  (router) => {
    router.get(
      '/metrics',
      { schema: { summary: 'Metrics in the Prometheus text format', response: { 200: z.string() } } },
      async (_request, reply) =>
        reply
          .type(metrics.contentType)
          .serializer(String)
          .send(await metrics.scrape()),
    );
  };
