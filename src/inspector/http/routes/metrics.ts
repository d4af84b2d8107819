import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { Routes } from '../server.ts';

/** `/metrics`, for Prometheus. */
export const metricsRoutes =
  (registry: Registry): Routes =>
  (router) => {
    router.get(
      '/metrics',
      { schema: { summary: 'Metrics in the Prometheus text format', response: { 200: z.string() } } },
      async (_request, reply) =>
        reply
          .type(registry.contentType)
          .serializer(String)
          .send(await registry.metrics()),
    );
  };
