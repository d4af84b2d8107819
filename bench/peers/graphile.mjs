/** `graphile.mjs URL`: graphile-worker's part in the benchmark of jobs. */
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { Endings, serveLives } from './serve-lives.mjs';

const CONCURRENCY = 64;
const CONNECTIONS = 24;

const [, , connectionString] = process.argv;
const logger = new Logger(() => () => {});
const pgPool = new pg.Pool({ connectionString, max: CONNECTIONS });
pgPool.on('error', (error) => console.error(error));
pgPool.on('connect', (client) => client.on('error', (error) => console.error(error)));
const utils = await makeWorkerUtils({ pgPool, logger });
await utils.migrate();
await pgPool.query('TRUNCATE graphile_worker._private_jobs, graphile_worker._private_job_queues');

const endings = new Endings();
const runner = await run({
  pgPool,
  logger,
  concurrency: CONCURRENCY,
  noHandleSignals: true,
  taskList: { medium: async () => {} },
});
runner.events.on('job:complete', ({ job }) => endings.tell(job.payload.guid));

serveLives((data) => ({ ended: endings.of(data.guid), added: utils.addJob('medium', data) }));
