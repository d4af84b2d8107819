import { describe, expect, test } from 'vitest';
import { downloadFailed } from '../../../src/gateway/download-outcome.ts';
import { announceMedium, reference, STAGED } from '../../support/journal-entries.ts';
import { framesOf, openJournal } from '../../support/open-journal.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

describe('media', () => {
  test('E1: a medium is pending until it is staged, after a restart too', async () => {
    const dir = await scratchFolder();
    const first = await openJournal({ dir });
    const guid = await announceMedium(first);
    first.frames.acknowledge([1]);
    first.close();
    const second = await openJournal({ dir });
    expect(second.media.pendingAfter('bot', 0)).toMatchObject([
      { guid, chat: 'ana@lid', key: { id: 'm' }, media: reference },
    ]);
    expect(second.media.staged(guid, 'image/jpeg', STAGED)).toBe(true);
    expect(second.media.pendingAfter('bot', 0)).toEqual([]);
    expect(framesOf(second)).toMatchObject([
      { type: 'media.staged', guid, bytes: 9, sha256: STAGED.sha256, mime_type: 'image/jpeg' },
    ]);
  });

  test('E1: what came first counts', async () => {
    const journal = await openJournal();
    const guid = await announceMedium(journal);
    journal.media.gaveUp(guid, 'image', downloadFailed('quota'));
    expect(journal.media.staged(guid, 'image/jpeg', STAGED)).toBe(false);
    journal.media.gaveUp(guid, 'image', downloadFailed('gone'));
    expect(framesOf(journal).slice(1)).toMatchObject([
      { type: 'media.corrupt', guid, media_kind: 'image', quota_exceeded: true },
    ]);
  });

  test('E2: a medium is held until the last frame about it is acked', async () => {
    const journal = await openJournal();
    const guid = await announceMedium(journal);
    const other = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
    expect(journal.media.held([guid, other])).toEqual([guid]);
    journal.media.staged(guid, 'image/jpeg', STAGED);
    journal.frames.acknowledge([1]);
    expect(journal.media.held([guid])).toEqual([guid]);
    journal.frames.acknowledge([2]);
    expect(journal.media.held([guid])).toEqual([]);
  });

  test('E2: a released medium is not pending, and not held once its frames are acked', async () => {
    const journal = await openJournal();
    const [unacked, acked] = [await announceMedium(journal, 'm1'), await announceMedium(journal, 'm2')];
    journal.frames.acknowledge([2]);
    journal.media.released(unacked);
    journal.media.released(acked);
    expect(journal.media.pendingAfter('bot', 0)).toEqual([]);
    expect(journal.media.held([unacked, acked])).toEqual([unacked]);
    journal.frames.acknowledge([1]);
    expect(journal.media.held([unacked])).toEqual([]);
    expect(journal.media.staged(acked, 'image/jpeg', STAGED)).toBe(false);
  });

  test('refusing the announcement of a medium names it', async () => {
    const journal = await openJournal();
    const guid = await announceMedium(journal);
    expect(journal.frames.refuse(1, 'unknown_bot', 'no')).toBe(guid);
  });
});
