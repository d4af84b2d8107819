/**
 * `node store-writer.ts STORE LOG`: writes to the store, an SQLite file or a MongoDB connection string, as fast as it can
 * until it is killed. After a write's promise has resolved it adds a line to the log, `accepted CHAT ID`, `ingested CHAT ID` or `completed GUID`, and prints a dot.
 */
import { openSync, writeSync } from 'node:fs';
import type { Store } from '../../src/store/store.ts';
import { openStoreOn } from './mongo-subject.ts';
import { openStoreAt } from './sqlite-subject.ts';
import {
  acceptMedia,
  acceptText,
  HOUR_MS,
  keyOf,
  NOW,
  placeholderMessage,
  textMessage,
} from './store-records.ts';

const CHATS = 24;
const MEDIA_EVERY = 5;

async function writeTo(store: Store, name: string): Promise<never> {
  const key = keyOf(name);
  const identifiers = [name] as const;
  await store.resolveCorrespondent(key.botId, key.providerName, identifiers);
  let { nextId } = await store.rehydrate(key);
  for (;;) {
    const id = nextId;
    nextId += 1;
    const providerMessageId = `${name}-${id}`;
    if (id % MEDIA_EVERY === 0) {
      await store.accept(acceptMedia(key, placeholderMessage(id, undefined, { providerMessageId })));
      say(`accepted ${name} ${id}`);
      const claim = await store.claim({ pool: 'audio', now: NOW, leaseMs: HOUR_MS, cappedBots: [] });
      if (claim !== null && (await store.complete(claim, { kind: 'words', words: 'w' }, NOW))) {
        say(`completed ${claim.guid}`);
      }
    } else {
      const message = textMessage(id, { providerMessageId });
      await store.accept(acceptText(key, message));
      say(`accepted ${name} ${id}`);
      await store.ingest({ correspondent: key, messages: [message], now: NOW });
      say(`ingested ${name} ${id}`);
    }
  }
}

const [target, logFile] = process.argv.slice(2);
if (target === undefined || logFile === undefined) throw new Error('expected the store and the log file');
const log = openSync(logFile, 'a');
const say = (line: string): void => {
  writeSync(log, `${line}\n`);
  process.stdout.write('.');
};
const store = await (target.startsWith('mongodb:') ? openStoreOn(target) : openStoreAt(target));
await Promise.all(Array.from({ length: CHATS }, (_, n) => writeTo(store, `chat-${n}`)));
