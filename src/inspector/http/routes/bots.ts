import { z } from 'zod';
import type { Administration } from '../../../system/administration.ts';
import { botView } from '../../../system/administration/views.ts';
import type { Routes } from '../server.ts';
import { botId, problems } from './schemas.ts';

const tags = ['bots'];
const params = z.object({ botId });
const outcome = <const Outcome extends string>(...outcomes: readonly [Outcome, ...Outcome[]]) =>
  z.object({ outcome: z.enum(outcomes) });

export const added = outcome('added', 'there already');
export const paired = outcome('asked', 'linked already');
export const removed = outcome('removed', 'configured');
export const started = outcome('started');
export const stopped = outcome('stopped');

export const botRoutes =
  ({ bots }: Pick<Administration, 'bots'>): Routes =>
  (router) => {
    router.get(
      '/api/v1/bots',
      { schema: { tags, summary: 'All bots', response: { 200: z.array(botView), ...problems } } },
      async () => [...(await bots.list())],
    );
    router.post(
      '/api/v1/bots',
      {
        schema: {
          tags,
          summary: 'Adds a bot; the body is one of `bots` in a configuration',
          body: z.record(z.string(), z.unknown()),
          response: { 200: added, ...problems },
        },
      },
      async ({ body }) => ({ outcome: await bots.add(body) }),
    );
    router.post(
      '/api/v1/bots/:botId/start',
      { schema: { tags, summary: 'Starts a bot', params, response: { 200: started, ...problems } } },
      async ({ params: bot }) => {
        await bots.start(bot.botId);
        return { outcome: 'started' as const };
      },
    );
    router.post(
      '/api/v1/bots/:botId/stop',
      {
        schema: {
          tags,
          summary: 'Stops a bot; it stays stopped over restarts',
          params,
          response: { 200: stopped, ...problems },
        },
      },
      async ({ params: bot }) => {
        await bots.stop(bot.botId);
        return { outcome: 'stopped' as const };
      },
    );
    router.post(
      '/api/v1/bots/:botId/pair',
      {
        schema: {
          tags,
          summary: 'Has a bot ask for its account to be linked; QR or pairing code are in the bot then',
          params,
          body: z.strictObject({
            phone: z
              .string()
              .max(32)
              .nullable()
              .default(null)
              .describe('Digits only: a pairing code for the phone of this number. Null: a QR code'),
          }),
          response: { 200: paired, ...problems },
        },
      },
      async ({ params: { botId: id }, body }) => ({ outcome: await bots.pair(id, body.phone) }),
    );
    router.delete(
      '/api/v1/bots/:botId',
      {
        schema: {
          tags,
          summary: 'Removes a bot that was added while Dragoman ran; its history stays',
          params,
          response: { 200: removed, ...problems },
        },
      },
      async ({ params: bot }) => ({ outcome: await bots.remove(bot.botId) }),
    );
  };
