/** `node failpoint-worker-process.ts CONFIG FAILPOINT NTH`: `dragoman worker`, which dies when it reaches the failpoint the nth time. */
import { worker } from '../../src/cli/worker.ts';
import { StagingFolder } from '../../src/staging/staging-folder.ts';
import { openMongoWorkerStore } from '../../src/store/mongo/open-mongo-store.ts';
import { loadConfig } from '../../src/system/config.ts';
import { DeadlyFailpoint, surround } from './crash/failpoints.ts';
import { WORKER_STEPS } from './crash/failpoint-names.ts';
import { makeDocumentsMoody } from './crash/moody-documents.ts';

const [file, name, nth] = process.argv.slice(2);
if (file === undefined || name === undefined)
  throw new Error('expected the configuration file and a failpoint');
const failpoint = new DeadlyFailpoint(name, Number(nth));
surround(StagingFolder.prototype, 'remove', 'worker file remove', failpoint);
makeDocumentsMoody();
// As `bin/dragoman.js` ends, and why.
const exitCode = await worker(loadConfig({ file, environment: {}, flags: {} }), [], {
  async openStore(...location) {
    const store = await openMongoWorkerStore(...location);
    for (const step of WORKER_STEPS) surround(store, step, `worker ${step}`, failpoint);
    return store;
  },
});
process.exit(exitCode);
