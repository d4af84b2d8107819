import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { gatewayBench, picture } from '../support/gateway-bench.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { liveWorks } from '../support/works.ts';

const SQLITE_IOERR_FSYNC = 1_034;

/** From now on the disk cannot sync a commit of the journal, having written all of it or nothing. Returns what ends that. */
function failCommits(written: 'all' | 'nothing'): () => void {
  const { exec } = DatabaseSync.prototype;
  const spy = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (
    this: DatabaseSync,
    sql: string,
  ) {
    if (sql !== 'COMMIT' || written === 'all') Reflect.apply(exec, this, [sql]);
    if (sql === 'COMMIT') throw Object.assign(new Error('disk I/O error'), { errcode: SQLITE_IOERR_FSYNC });
  });
  const end = (): void => spy.mockRestore();
  onTestFinished(end);
  return end;
}

describe('a commit of the journal that cannot be synced', () => {
  test.each(['nothing', 'all'] as const)(
    'gives no receipt, with %s written; once the disk works again, the message is there once',
    async (written) => {
      const { works, startGateway } = await liveWorks();
      const { simulator } = works;
      await startGateway();
      const from = works.events.length;
      const mend = failCommits(written);
      const { messageId, seq } = await simulator.say('Ana', { text: 'on a broken disk' });
      const closed = await works.untilEvent(
        (event) => event.kind === 'bot' && event.state === 'closed',
        from,
      );
      expect(closed).toMatchObject({ detail: expect.stringContaining('storage failed') });
      const answers = () =>
        simulator.events
          .since(seq)
          .filter(({ type }) => type === 'receipt' || type === 'refused' || type === 'retry');
      expect(answers()).toEqual([]);
      expect(works.ingestedCount).toBe(0);

      mend();
      await simulator.events.waitFor('receipt', (event) => event.messageId === messageId);
      await simulator.say('Ana', { text: 'on a sound one' });
      await works.untilIngested(2);
      expect((await works.onlyHistory()).map(({ content }) => content)).toEqual([
        'on a broken disk',
        'on a sound one',
      ]);
    },
  );
});

/** From now on so many syncs of a file, or of a folder, fail. */
async function failSyncs(of: 'file' | 'folder', times: number): Promise<void> {
  const some = await open(path.join(await scratchFolder(), 'some'), 'w');
  const prototype: FileHandle = Object.getPrototypeOf(some);
  await some.close();
  const { sync } = prototype;
  let left = times;
  const spy = vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    const isFolder = (await this.stat()).isDirectory();
    if (isFolder === (of === 'folder') && left > 0) {
      left -= 1;
      throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
    }
    return Reflect.apply(sync, this, []);
  });
  onTestFinished(() => spy.mockRestore());
}

describe.each(['file', 'folder'] as const)('a staging %s that cannot be synced', (what) => {
  test('publishes nothing: after three attempts the medium is corrupt, and nothing is left', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { gateway, session } = await bench.startWithBot({ clock });
    await failSyncs(what, 3);
    await session.receive(picture(bench, 'p').message);
    await expect
      .poll(() => {
        clock.advance(1_000);
        return bench.backend.ofType('media.corrupt');
      })
      .toMatchObject([
        { media_kind: 'image', quota_exceeded: false, reason: expect.stringMatching(/^disk: EIO/) },
      ]);
    expect(bench.media.requests).toEqual(['/p', '/p', '/p']);
    expect(await bench.staged()).toEqual([]);
    expect(gateway.snapshot()).toMatchObject({ stagedBytes: 0, runningDownloads: 0 });
  });

  test('once, costs one attempt: the next one stages the file', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { session } = await bench.startWithBot({ clock });
    await failSyncs(what, 1);
    const { plain, message } = picture(bench, 'p');
    await session.receive(message);
    await expect
      .poll(() => {
        clock.advance(1_000);
        return bench.backend.ofType('media.staged');
      })
      .toMatchObject([{ bytes: plain.length }]);
    expect(bench.media.requests).toEqual(['/p', '/p']);
    expect(await bench.staged()).toEqual([bench.backend.ofType('media.staged')[0]?.guid]);
  });
});
