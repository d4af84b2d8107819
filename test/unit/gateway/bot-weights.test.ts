import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { JOURNAL_FILE } from '../../../src/gateway/journal.ts';
import { JOURNAL_VERSIONS } from '../../../src/gateway/journal-schema.ts';
import { encryptMedia } from '../../support/encrypted-media.ts';
import { framesOf, openJournal } from '../../support/open-journal.ts';
import { NO_AUTH, received } from '../../support/received-messages.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const { reference } = encryptMedia(Buffer.from('a picture'));

describe('what each bot has unacked', () => {
  test('is counted from its frames and its media’s, and goes as they do', async () => {
    const journal = await openJournal();
    const bytesOf = () => Object.fromEntries(journal.frames.bytesOfBots(1));
    const recount = () => {
      const sums: Record<string, number> = {};
      for (const { body } of journal.frames.after(0, 100)) {
        const { bot_id: botId = 'one' }: { readonly bot_id?: string } = JSON.parse(body);
        sums[botId] = (sums[botId] ?? 0) + Buffer.byteLength(body);
      }
      return sums;
    };
    await journal.sessions.commit('one', NO_AUTH, [received('a', { media: reference }), received('b')]);
    await journal.sessions.commit('two', NO_AUTH, [received('ü')]);
    const [pending] = journal.media.pendingAfter('one', 0);
    journal.media.staged(pending?.guid ?? '', 'image/jpeg', {
      kind: 'staged',
      bytes: 1,
      sha256: '0'.repeat(64),
    });
    expect(framesOf(journal)).toHaveLength(4);
    expect(bytesOf()).toEqual(recount());
    journal.frames.acknowledge([1, 4]);
    expect(bytesOf()).toEqual(recount());
    journal.frames.refuse(2, 'frame_invalid', 'no');
    journal.frames.acknowledge([3]);
    expect(bytesOf()).toEqual({});
    journal.deadLetters.retry(2);
    journal.prune();
    expect(bytesOf()).toEqual(recount());
    expect(journal.frames.bytesOfBots(10_000).size).toBe(0);
  });

  test('has in it what a letter that is sent once more says of its medium', async () => {
    const journal = await openJournal();
    await journal.sessions.commit('one', NO_AUTH, [received('a', { media: reference })]);
    journal.frames.refuse(1, 'frame_invalid', 'no');
    journal.prune();
    journal.deadLetters.retry(1);
    const { bytes } = journal.frames.backlog();
    expect(framesOf(journal)).toMatchObject([{ type: 'inbound' }, { type: 'media.corrupt' }]);
    expect(Object.fromEntries(journal.frames.bytesOfBots(1))).toEqual({ one: bytes });
  });

  test('is known of a journal of before, too', async () => {
    const dir = await scratchFolder();
    const db = new DatabaseSync(path.join(dir, JOURNAL_FILE));
    for (const version of JOURNAL_VERSIONS.slice(0, 9)) db.exec(version);
    db.exec(`PRAGMA user_version = 9;
      INSERT INTO media (guid, bot_id, chat, provider_key, reference, downloading) VALUES ('g', 'one', 'c', '{}', '{}', 0);
      INSERT INTO frames (guid, body) VALUES (NULL, '{"bot_id":"two"}'), ('g', '{"guid":"g"}'), ('h', '{"guid":"h"}')`);
    db.close();
    const journal = await openJournal({ dir });
    expect(Object.fromEntries(journal.frames.bytesOfBots(1))).toEqual({ two: 16, one: 12 });
    journal.frames.acknowledge([1, 2, 3]);
    expect(journal.frames.bytesOfBots(1).size).toBe(0);
  });
});
