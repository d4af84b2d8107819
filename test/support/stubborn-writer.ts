/**
 * `node stubborn-writer.ts FILE COUNT`: accepts so many messages of one chat one after another, each again and again, as a
 * chat's owner does whose store failed: it forgets, rehydrates and is sent the message once more. Prints `failed CODE` and
 * `accepted N`.
 */
import { DragomanError } from '../../src/base/errors.ts';
import { openStoreAt } from './sqlite-subject.ts';
import { acceptText, keyOf, PROVIDER, textMessage } from './store-records.ts';

const [file, count] = process.argv.slice(2);
if (file === undefined || count === undefined) throw new Error('expected the file and how many messages');
const store = await openStoreAt(file);
const key = keyOf('a');
await store.resolveCorrespondent(key.botId, PROVIDER, ['a']);
for (let n = 1; n <= Number(count);) {
  try {
    const { nextId } = await store.rehydrate(key);
    await store.accept(acceptText(key, textMessage(nextId, { providerMessageId: `p-${n}` })));
    console.log(`accepted ${n}`);
    n += 1;
  } catch (error) {
    if (!(error instanceof DragomanError && error.retryable)) throw error;
    console.log(`failed ${error.code}`);
  }
}
await store.close();
