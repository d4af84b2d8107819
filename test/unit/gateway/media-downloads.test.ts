import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { DownloadSlots } from '../../../src/gateway/download-slots.ts';
import { MediaDownloads } from '../../../src/gateway/media-downloads.ts';
import { gatewaySettings } from '../../../src/gateway/settings.ts';
import { downloadBench } from '../../support/download-bench.ts';
import { encryptMedia } from '../../support/encrypted-media.ts';
import type { ManualClock } from '../../support/manual-clock.ts';
import { file, status } from '../../support/media-server.ts';
import { framesOf, openJournal } from '../../support/open-journal.ts';
import { received } from '../../support/received-messages.ts';
import { ScriptedSession } from '../../support/scripted-session.ts';

async function downloadsBench() {
  const bench = await downloadBench();
  const { server, folder, quota, clock } = bench;
  const journal = await openJournal({ clock });
  const settings = gatewaySettings.parse({});
  const session = new ScriptedSession(
    {
      botId: 'bot',
      config: { media_storage_quota_gb: 1 },
      storage: journal.sessions,
      listener: { statusChanged: () => {}, received: () => {}, answered: () => {} },
    },
    server.origin,
  );
  const downloads = new MediaDownloads('bot', session, {
    ledger: journal.media,
    target: { folder, quota, limits: settings, clock, log: silentLogger },
    slots: new DownloadSlots(settings, clock),
    settings,
    clock,
    log: silentLogger,
    random: () => 0,
    settled: () => {},
  });
  onTestFinished(() => downloads.close());
  const medium = encryptMedia(Buffer.from('a picture'));
  await session.receive(received('p', { media: medium.reference }));
  const [pending] = journal.media.pendingAfter('bot', 0);
  return {
    server,
    session,
    clock,
    quota,
    files: () => bench.files(),
    journal,
    downloads,
    medium,
    guid: pending?.guid ?? '',
  };
}

test('V1: a medium is in hand once, however often it is taken up', async () => {
  const { server, downloads, medium, journal } = await downloadsBench();
  server.on('/file.enc', file(medium.ciphertext));
  downloads.resume();
  downloads.resume();
  await expect.poll(() => framesOf(journal).map(({ type }) => type)).toEqual(['inbound', 'media.staged']);
  downloads.resume();
  expect(server.requests).toEqual(['/file.enc']);
});

test('V2: a file that was released while it came does not stay', async () => {
  const { server, downloads, medium, journal, guid, files, quota } = await downloadsBench();
  server.on('/file.enc', (response, request) => {
    journal.media.released(guid);
    file(medium.ciphertext)(response, request);
  });
  downloads.resume();
  await server.nextRequest();
  await expect.poll(() => quota.reservedBytes).toBe(0);
  await expect.poll(files).toEqual({});
  expect(framesOf(journal)).toHaveLength(1);
});

test('an outcome that could not be journalled is tried again', async () => {
  const { server, downloads, medium, journal } = await downloadsBench();
  server.on('/file.enc', file(medium.ciphertext));
  const staged = journal.media.staged.bind(journal.media);
  const failed = Promise.withResolvers<void>();
  journal.media.staged = () => {
    failed.resolve();
    throw new Error('disk full');
  };
  downloads.resume();
  await failed.promise;
  journal.media.staged = staged;
  await expect
    .poll(() => {
      downloads.resume();
      return framesOf(journal).map(({ type }) => type);
    })
    .toEqual(['inbound', 'media.staged']);
  expect(server.requests).toEqual(['/file.enc']);
});

test('V2: a file that leaves the journal no room to tell of it does not stay, and is downloaded again', async () => {
  const { server, downloads, medium, journal, quota, files } = await downloadsBench();
  server.on('/file.enc', file(medium.ciphertext));
  const staged = journal.media.staged.bind(journal.media);
  journal.media.staged = () => {
    throw new DragomanError('disk_full', 'no room');
  };
  downloads.resume();
  await server.nextRequest();
  await expect.poll(() => quota.reservedBytes).toBe(0);
  expect(await files()).toEqual({});
  journal.media.staged = staged;
  await expect
    .poll(() => {
      downloads.resume();
      return framesOf(journal).map(({ type }) => type);
    })
    .toEqual(['inbound', 'media.staged']);
  expect(server.requests).toEqual(['/file.enc', '/file.enc']);
});

test('a download that waits for its turn in its chat is aborted at once', async () => {
  const { server, downloads, session, journal } = await downloadsBench();
  server.on('/file.enc', (response) => response.writeHead(200).write('x'));
  const { reference } = encryptMedia(Buffer.from('another'));
  await session.receive(received('q', { media: reference }), received('r', { media: reference }));
  downloads.resume();
  const third = journal.media.pendingAfter('bot', 0).at(2);
  await downloads.abort(third?.guid ?? '');
  await expect.poll(() => server.requests).toHaveLength(2);
});

test('V4: closing aborts what runs, and takes nothing up any more', async () => {
  const { server, clock, downloads, journal, files } = await downloadsBench();
  server.on('/file.enc', (response) => response.writeHead(200).write('x'));
  const asked = server.nextRequest();
  downloads.resume();
  await asked;
  await downloads.close();
  expect(clock.pendingTimers).toBe(0);
  expect(await files()).toEqual({});
  expect(journal.media.pendingAfter('bot', 0)).toHaveLength(1);
  const lookUp = vi.spyOn(journal.media, 'pendingAfter');
  downloads.resume();
  expect(lookUp).not.toHaveBeenCalled();
});

test('a medium that is gone while the session reconnects is asked for once it is there, and as long as ever then', async () => {
  const { server, session, clock, downloads, medium, journal } = await downloadsBench();
  const opening = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  session.opening = opening.promise;
  session.upload = () => {
    asked.resolve();
    return answer.promise;
  };
  server.on('/file.enc', status(404));
  server.on('/again', file(medium.ciphertext));
  downloads.resume();
  await server.nextRequest();
  await passed(clock, 5 * 60_000);
  expect(session.reuploads).toEqual([]);
  opening.resolve();
  await asked.promise;
  await passed(clock, 19_000);
  answer.resolve('/again');
  await expect
    .poll(() => {
      clock.advance(1_000);
      return framesOf(journal).map(({ type }) => type);
    })
    .toEqual(['inbound', 'media.staged']);
});

test('a connection that ends before the phone has answered costs no medium: the phone is asked again', async () => {
  const { server, session, clock, downloads, medium, journal } = await downloadsBench();
  session.upload = () =>
    session.reuploads.length < 3
      ? Promise.reject(new DragomanError('link_closed', 'the connection ended'))
      : Promise.resolve('/again');
  server.on('/file.enc', status(404));
  server.on('/again', file(medium.ciphertext));
  downloads.resume();
  await expect
    .poll(() => {
      clock.advance(500);
      return framesOf(journal).map(({ type }) => type);
    })
    .toEqual(['inbound', 'media.staged']);
  expect(session.reuploads).toHaveLength(3);
});

test('a session that does not come back is waited for for ten minutes', async () => {
  const { server, session, clock, downloads, journal } = await downloadsBench();
  session.opening = new Promise(() => {});
  server.on('/file.enc', status(404));
  const startedAt = clock.now();
  downloads.resume();
  await server.nextRequest();
  await passed(clock, 10 * 60_000);
  await expect
    .poll(() => {
      clock.advance(1_000);
      return framesOf(journal).map(({ type }) => type);
    })
    .toEqual(['inbound', 'media.corrupt']);
  expect(session.reuploads).toEqual([]);
  expect(clock.now() - startedAt).toBeGreaterThan(10 * 60_000);
});

/** Time passes, and what waits for it has its turn. */
async function passed(clock: ManualClock, durationMs: number): Promise<void> {
  for (let leftMs = durationMs; leftMs > 0; leftMs -= 1_000) {
    await nextTurn();
    clock.advance(1_000);
  }
}
