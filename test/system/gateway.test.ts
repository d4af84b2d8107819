import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encryptMedia } from '../support/encrypted-media.ts';
import { file, MediaServer } from '../support/media-server.ts';
import { openJournal, framesOf, seqsOf } from '../support/open-journal.ts';
import { received } from '../support/received-messages.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { ScriptedBackend, SILENCE } from '../support/scripted-backend.ts';
import { Spawned } from '../support/spawned.ts';

describe('kill -9 of a process that writes the journal', () => {
  test('J1, J2, O1: what was reported durable is there, once, in order, with its ratchet', async () => {
    const dir = await scratchFolder();
    let durable = 0;
    for (let life = 1; life <= 8; life += 1) {
      const writer = Spawned.start(
        'journal-writer.ts',
        path.join(dir, 'gateway.sqlite'),
        String(durable + 1),
      );
      const enough = durable + life * 7;
      await expect
        .poll(() => Number(writer.lines.at(-1) ?? 0), { timeout: 20_000, interval: 1 })
        .toBeGreaterThan(enough);
      await writer.kill();
      const reported = Number(writer.lines.at(-1));

      const journal = await openJournal({ dir });
      const ratchet = Number((await journal.sessions.readAuth('bot', ['ratchet'])).get('ratchet'));
      const ids = framesOf(journal).map(
        (frame) => frame.type === 'inbound' && frame.message.provider_message_id,
      );
      expect(ratchet).toBeGreaterThanOrEqual(reported);
      expect(ids).toEqual(Array.from({ length: ratchet }, (_, index) => String(index + 1)));
      expect(seqsOf(journal)).toEqual(ids.map(Number));
      journal.close();
      durable = reported;
    }
  });
});

describe('kill -9 of a gateway', () => {
  test('between announcement and file: the download is taken up again, and nothing is announced twice', async () => {
    const dir = await scratchFolder();
    const [backend, media] = await Promise.all([ScriptedBackend.start(), MediaServer.start()]);
    onTestFinished(() => backend.close());
    onTestFinished(() => media.close());
    const { ciphertext, plain, reference } = encryptMedia(Buffer.alloc(200_000, 'voice'));
    const stagingFolder = path.join(dir, 'staging');
    const options = JSON.stringify({
      dataFolder: path.join(dir, 'data'),
      stagingFolder,
      backendUrl: backend.url,
      token: backend.token,
      mediaOrigin: media.origin,
      messages: [received('voice', { media: reference }), received('text')],
    });
    media.on('/file.enc', (response) => {
      response.writeHead(200, { 'content-length': ciphertext.length });
      response.write(ciphertext.subarray(0, 100_000));
    });

    const first = Spawned.start('gateway-process.ts', options);
    await backend.untilFrames('hello');
    backend.send({ type: 'bot.start', bot_id: 'bot', config: { media_storage_quota_gb: 1 } });
    const [announced] = await backend.untilFrames('inbound', 2);
    const guid = announced?.message.media_processing_id ?? '';
    const visible = async () => (await readdir(stagingFolder)).filter((name) => !name.startsWith('.'));
    await expect.poll(visible).toEqual([`${guid}.part`]);
    await first.kill();

    media.on('/file.enc', file(ciphertext));
    Spawned.start('gateway-process.ts', options);
    const [staged] = await backend.untilFrames('media.staged');
    expect(staged).toMatchObject({ guid, bytes: plain.length });
    expect(await visible()).toEqual([guid]);
    expect(await readFile(path.join(stagingFolder, guid))).toEqual(plain);
    const announcedIds = backend
      .ofType('inbound')
      .map(({ seq, message }) => [seq, message.provider_message_id]);
    expect(new Set(announcedIds.map(String))).toEqual(new Set(['1,voice', '2,text']));
  });

  test('with frames unacked: all of them are sent again under their old seqs, then the new ones', async () => {
    const dir = await scratchFolder();
    const backend = await ScriptedBackend.start();
    onTestFinished(() => backend.close());
    backend.answer = SILENCE;
    const optionsWith = (...ids: string[]) =>
      JSON.stringify({
        dataFolder: path.join(dir, 'data'),
        stagingFolder: path.join(dir, 'staging'),
        backendUrl: backend.url,
        token: backend.token,
        mediaOrigin: 'http://127.0.0.1:9',
        messages: ids.map((id) => received(id)),
      });
    const first = Spawned.start('gateway-process.ts', optionsWith('a', 'b', 'c'));
    await backend.untilFrames('hello');
    backend.send({ type: 'bot.start', bot_id: 'bot', config: { media_storage_quota_gb: 1 } });
    await backend.untilFrames('inbound', 3);
    await first.kill();
    Spawned.start('gateway-process.ts', optionsWith('c', 'd'));
    await backend.untilFrames('inbound', 7);
    const again = backend.links.at(-1) ?? [];
    const inbound = again.flatMap((frame) =>
      frame.type === 'inbound' ? [[frame.seq, frame.message.provider_message_id]] : [],
    );
    expect(again[0]?.type).toBe('hello');
    expect(inbound).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
    ]);
  });
});
