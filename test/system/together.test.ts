import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openStore } from '../../src/cli/open-store.ts';
import { startTogether } from '../../src/cli/together.ts';
import { parseConfig } from '../../src/system/config.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { togetherBench } from '../support/together-bench.ts';

test('a bot whose configuration wants no groups takes none', async () => {
  const { simulator, until } = await togetherBench({ settings: { bots: [{ id: 'main', groups: 'none' }] } });
  simulator.group('Trip', ['Ana']);
  await simulator.say('Ana', { text: 'to all' }, { in: 'Trip' });
  await simulator.say('Ana', { text: 'to you' });
  const taken = await until((events) => {
    const messages = events.flatMap((event) => (event.kind === 'accepted' ? [event.message.content] : []));
    return messages.includes('to you') && messages;
  });
  expect(taken).toEqual(['to you']);
});

describe('gateway and backend in one process', () => {
  test('leave nothing running when the gateway cannot start', async () => {
    const dataFolder = await scratchFolder();
    await writeFile(path.join(dataFolder, 'gateway'), 'a file where the folder should be');
    const config = parseConfig({ dataFolder, listen: { port: 0 }, http: { enabled: false } });
    const clock = systemClock();
    const log = new RecordingLogger();
    const starting = startTogether({ config, clock, log, onEscalation: () => {} });
    await expect(starting).rejects.toMatchObject({ code: 'folder_unusable' });
    const drained = log.lines
      .filter(({ message }) => message === 'drain')
      .map(({ fields }) => fields['step']);
    expect(drained).toContain('close the links');
    const store = await openStore(config, clock, log);
    await store.close();
  });

  test('drain the backend and close the store though the gateway cannot be stopped', async () => {
    const { together } = await togetherBench();
    const { gateway, backend, store } = together;
    const stopGateway = gateway.stop.bind(gateway);
    gateway.stop = async () => {
      await stopGateway();
      throw new Error('the journal cannot be closed');
    };
    await expect(together.stop()).rejects.toThrow('the journal cannot be closed');
    await expect(fetch(backend.url.replace('ws:', 'http:'))).rejects.toThrow('fetch failed');
    await expect(store.bots()).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});
