import { z } from 'zod';
import type { Readiness } from '../../readiness.ts';
import type { Routes } from '../server.ts';

const part = z.object({
  name: z.string(),
  ready: z.boolean(),
  detail: z.string().nullable(),
});

const ready = z.object({ ready: z.boolean(), parts: z.array(part) });

/** For whoever keeps the process running. They need no token: they tell names of parts and nothing else. */
export const healthRoutes =
  (readiness: Readiness): Routes =>
  (router) => {
    router.get(
      '/healthz',
      {
        config: { open: true },
        schema: { summary: 'The process runs', response: { 200: z.object({ status: z.literal('ok') }) } },
      },
      () => ({ status: 'ok' as const }),
    );
    router.get(
      '/readyz',
      {
        config: { open: true },
        schema: {
          summary: 'Store, links and pools can work; 503 names those that cannot',
          response: { 200: ready, 503: ready },
        },
      },
      async (_request, reply) => {
        const parts = await readiness();
        const isReady = parts.every((each) => each.ready);
        return reply.code(isReady ? 200 : 503).send({ ready: isReady, parts: [...parts] });
      },
    );
  };
