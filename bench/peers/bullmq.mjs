/** `bullmq.mjs PORT`: BullMQ's part in the benchmark of jobs. */
import { Queue, Worker } from 'bullmq';
import { Endings, serveLives } from './serve-lives.mjs';

const CONCURRENCY = 64;

const [, , port] = process.argv;
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue('lives', { connection });
await queue.obliterate({ force: true });

const endings = new Endings();
const worker = new Worker('lives', async () => 'words', { connection, concurrency: CONCURRENCY });
worker.on('completed', ({ data }) => endings.tell(data.guid));
worker.on('error', (error) => console.error(error));
await worker.waitUntilReady();

serveLives((data) => ({
  ended: endings.of(data.guid),
  added: queue.add('medium', data, { removeOnComplete: true, removeOnFail: true }),
}));
