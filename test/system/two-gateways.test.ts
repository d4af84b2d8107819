import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { newGuid } from '../../src/base/ids.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import type { Gateway } from '../../src/gateway/gateway-options.ts';
import { openStagingFolders } from '../../src/staging/staging-folders.ts';
import { MemoryDatabase } from '../support/memory-store/memory-database.ts';
import { openMemoryStore } from '../support/memory-store/memory-store.ts';
import { type Backend, startBackend } from '../../src/system/backend.ts';
import { parseConfig } from '../../src/system/config.ts';
import { received } from '../support/received-messages.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { ScriptedBackend, SILENCE } from '../support/scripted-backend.ts';
import { ScriptedSessions } from '../support/scripted-session.ts';

const TOKENS = { north: 'the token of the north', south: 'the token of the south' };
type GatewayId = keyof typeof TOKENS;

/** One store, backends over it one after another, and gateways of two ids. */
async function world() {
  const dir = await scratchFolder();
  const clock = systemClock();
  const log = new RecordingLogger();
  const store = openMemoryStore({ clock, newClaimToken: newGuid, database: new MemoryDatabase() });
  const sessions = { north: new ScriptedSessions(), south: new ScriptedSessions() };
  return {
    dir,
    store,
    sessions,
    log,
    /** `owners`: which gateway pairs each bot. */
    async backend(owners: Readonly<Record<string, GatewayId>>, port = 0): Promise<Backend> {
      const config = parseConfig({
        listen: { port },
        bots: Object.entries(owners).map(([id, gateway]) => ({ id, gateway })),
        gateways: Object.entries(TOKENS).map(([id, token]) => ({ id, token })),
        gateway: {},
      });
      const backend = await startBackend({
        config,
        store,
        staging: await openStagingFolders(
          path.join(dir, 'shared'),
          config.gateways.map(({ id }) => ({ id, stagingFolder: path.join(dir, id, 'staging') })),
        ),
        credentials: config.gateways.map(({ id, token }) => ({ gatewayId: id, token })),
        clock,
        log,
        onEscalation: (error) => expect.unreachable(String(error)),
      });
      onTestFinished(() => backend.stop());
      return backend;
    },
    async gateway(id: GatewayId, url: string, token = TOKENS[id]): Promise<Gateway> {
      const gateway = await startGateway({
        dataFolder: path.join(dir, id, 'data'),
        stagingFolder: path.join(dir, id, 'staging'),
        backendUrls: [url],
        token,
        gatewayId: id,
        providerName: 'simulator',
        createSession: sessions[id].create,
        clock,
        log,
        random: () => 0,
        settings: { longestTypingMs: 0 },
      });
      onTestFinished(() => gateway.stop());
      return gateway;
    },
    /** What the bot's history holds, by chat. */
    async history(botId: string): Promise<string[]> {
      const chats = await store.correspondents(botId);
      const pages = await Promise.all(
        chats.map((chat) => store.history(chat, { afterSeq: 0, limit: 1_000 })),
      );
      return pages.flat().map(({ message }) => message.content);
    },
  };
}

const openBots = (gateway: Gateway): number =>
  gateway.snapshot().bots.filter(({ state }) => state === 'open').length;

test('two gateways, each with its token and its bot, speak to one backend at once, and it to them', async () => {
  const { backend, gateway, sessions, history } = await world();
  const { url, administration } = await backend({ 'north-bot': 'north', 'south-bot': 'south' });
  const gateways = await Promise.all([gateway('north', url), gateway('south', url)]);
  await expect.poll(() => gateways.map(openBots)).toEqual([1, 1]);
  expect(sessions.north.all.map(({ botId }) => botId)).toEqual(['north-bot']);
  expect(sessions.south.all.map(({ botId }) => botId)).toEqual(['south-bot']);

  const numbers = Array.from({ length: 50 }, (_, index) => index);
  for (const number of numbers) {
    // The same ids and senders at both: they are other people's messages all the same.
    await Promise.all([
      sessions.north.of('north-bot').receive(received(`${number}`, { text: `north ${number}` })),
      sessions.south.of('south-bot').receive(received(`${number}`, { text: `south ${number}` })),
    ]);
  }
  await expect.poll(() => history('north-bot')).toEqual(numbers.map((number) => `north ${number}`));
  await expect.poll(() => history('south-bot')).toEqual(numbers.map((number) => `south ${number}`));

  const results = await Promise.all([
    administration.send({ botId: 'north-bot', to: 'ana@lid', text: 'from the north', requestId: 'r' }),
    administration.send({ botId: 'south-bot', to: 'ana@lid', text: 'from the south', requestId: 'r' }),
  ]);
  expect(results.map(({ kind }) => kind)).toEqual(['sent', 'sent']);
  expect(sessions.north.of('north-bot').sent).toMatchObject([{ text: 'from the north' }]);
  expect(sessions.south.of('south-bot').sent).toMatchObject([{ text: 'from the south' }]);
});

test('a gateway with the other one’s token gets no link', async () => {
  const { backend, gateway, log, sessions } = await world();
  const { url } = await backend({ 'north-bot': 'north', 'south-bot': 'south' });
  await gateway('south', url, TOKENS.north);
  await log.untilLine('dialling again');
  expect(sessions.south.all).toEqual([]);
});

test('what a gateway has of the other one’s bot is kept, not accepted, until the bot is its own', async () => {
  const { backend, gateway, sessions, history, log } = await world();
  const former = await ScriptedBackend.start();
  onTestFinished(() => former.close());
  former.answer = SILENCE;
  const early = await gateway('south', former.url, former.token);
  await former.untilFrames('hello');
  former.send({ type: 'bot.start', bot_id: 'north-bot', config: { media_storage_quota_gb: 1 } });
  await expect.poll(() => openBots(early)).toBe(1);
  await sessions.south.of('north-bot').receive(received('a'), received('b'));
  await former.untilFrames('inbound', 2);
  await early.stop();

  const first = await backend({ 'north-bot': 'north', 'south-bot': 'south' });
  const south = await gateway('south', first.url);
  const line = await log.untilLine('reports an error');
  expect(line.fields).toMatchObject({ code: 'unknown_bot', bot_id: 'north-bot' });
  await expect.poll(() => sessions.south.of('north-bot').state).toBe('stopped');
  await sessions.south.of('south-bot').receive(received('c'));
  await expect.poll(() => history('south-bot')).toEqual(['text c']);
  expect(await history('north-bot')).toEqual([]);
  await expect
    .poll(() => south.snapshot())
    .toMatchObject({ unackedFrames: 2, deadLetters: 0, connected: true });

  const port = Number(new URL(first.url).port);
  await first.stop();
  await backend({ 'north-bot': 'south', 'south-bot': 'south' }, port);
  await expect.poll(() => history('north-bot'), { timeout: 10_000 }).toEqual(['text a', 'text b']);
  await expect.poll(() => south.snapshot().unackedFrames).toBe(0);
  expect(sessions.south.of('north-bot').state).toBe('started');
});
