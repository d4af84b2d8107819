/**
 * `node abandoning-process.ts URL APP_NAME`: changes every bot's turn in a transaction that it never ends, and says so.
 */
import { MongoClient } from 'mongodb';

const [url, appName] = process.argv.slice(2);
if (url === undefined || appName === undefined) throw new Error('expected a URL and a name');
const client = new MongoClient(url, { appName });
const session = client.startSession();
session.startTransaction();
await client
  .db()
  .collection('media_turns')
  .updateMany({}, { $inc: { arrivals: 1 } }, { session });
console.log('open');
setInterval(() => {}, 60_000);
