/**
 * `node store-writer.ts FILE`: writes to the store as fast as it can until it is killed, and prints one line for each
 * write after its promise has resolved: `accepted CHAT ID`, `ingested CHAT ID`, `completed GUID`.
 */
import { writeSync } from 'node:fs';
import type { Store } from '../../src/store/store.ts';
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

const say = (line: string): number => writeSync(1, `${line}\n`);

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

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('expected the store file');
const store = await openStoreAt(file);
say('open');
await Promise.all(Array.from({ length: CHATS }, (_, n) => writeTo(store, `chat-${n}`)));
