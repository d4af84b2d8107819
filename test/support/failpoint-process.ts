/**
 * `node failpoint-process.ts CONFIG [FAILPOINT NTH]`: `dragoman start`, which dies when it reaches the failpoint the nth time.
 * Production code knows nothing of failpoints: they are put around its classes, and its store, here.
 */
import { ActorSystem } from '../../src/actors/kit/system.ts';
import { openStore } from '../../src/cli/open-store.ts';
import { start } from '../../src/cli/start.ts';
import { FrameLog } from '../../src/gateway/frame-log.ts';
import { JournalDatabase } from '../../src/gateway/journal-database.ts';
import { MediaLedger } from '../../src/gateway/media-ledger.ts';
import { SendRegister } from '../../src/gateway/send-register.ts';
import { PartFile } from '../../src/staging/part-file.ts';
import { StagingFolder } from '../../src/staging/staging-folder.ts';
import { loadConfig, storeLocation } from '../../src/system/config.ts';
import { GatewayLink } from '../../src/system/links/gateway-link.ts';
import { Ingress } from '../../src/system/ingress.ts';
import { Settlements } from '../../src/system/settlements.ts';
import { DeadlyFailpoint, type Failpoints, replaceMethod, surround } from './crash/failpoints.ts';
import { STORE_STEPS } from './crash/failpoint-names.ts';
import { keepWhatIsSaid } from './crash/growing-old.ts';
import { makeDocumentsMoody } from './crash/moody-documents.ts';

const [file, name, nth = '1'] = process.argv.slice(2);
if (file === undefined) throw new Error('expected the configuration file');
const config = loadConfig({ file, environment: {}, flags: {} });
makeDocumentsMoody();
const deadly = name === undefined ? null : new DeadlyFailpoint(name, Number(nth));
if (deadly !== null) await surroundAllButTheStore(deadly);
const exitCode = await start(config, {
  async openStore(...location) {
    const store = await openStore(...location);
    if (deadly !== null) for (const step of STORE_STEPS) surround(store, step, step, deadly);
    keepWhatIsSaid(store);
    return store;
  },
});
// As `bin/dragoman.js` ends, and why.
process.exit(exitCode);

async function surroundAllButTheStore(failpoint: Failpoints): Promise<void> {
  surround(JournalDatabase.prototype, 'transaction', 'journal transaction', failpoint);
  surroundMessages(failpoint);
  surround(SendRegister.prototype, 'begin', 'send begun', failpoint);
  surround(SendRegister.prototype, 'name', 'send named', failpoint);
  surround(SendRegister.prototype, 'end', 'send ended', failpoint);
  surround(FrameLog.prototype, 'acknowledge', 'journal ack', failpoint);
  surround(PartFile.prototype, 'publish', 'file publish', failpoint);
  surround(MediaLedger.prototype, 'staged', 'file staged', failpoint);
  surround(StagingFolder.prototype, 'remove', 'file remove', failpoint);
  surround(GatewayLink.prototype, 'send', 'frame to gateway', failpoint);
  // Once the frames in hand are answered, whether or not a gateway is still there.
  surround(Ingress.prototype, 'closeOutbox', 'drain frames', failpoint);
  surround(Settlements.prototype, 'settled', 'drain settlements', failpoint);
  surround(ActorSystem.prototype, 'stop', 'drain actors', failpoint);
  if (storeLocation(config).kind === 'mongodb') {
    // The driver takes a while to load.
    const { surroundOwnership } = await import('./crash/ownership-failpoints.ts');
    surroundOwnership(failpoint);
  }
}

/** `before` its transaction ends: WhatsApp has no receipt yet. `after`: it is about to have one. */
function surroundMessages(failpoint: Failpoints): void {
  let isMessage = false;
  replaceMethod(FrameLog.prototype, 'append', (append) => {
    return function (this: unknown, ...args: unknown[]): unknown {
      const [frame] = args;
      if (isInbound(frame)) {
        failpoint.reach('journal message.before');
        isMessage = true;
      }
      return Reflect.apply(append, this, args);
    };
  });
  replaceMethod(JournalDatabase.prototype, 'transaction', (transaction) => {
    return function (this: unknown, ...args: unknown[]): unknown {
      isMessage = false;
      const result = Reflect.apply(transaction, this, args);
      if (isMessage) failpoint.reach('journal message.after');
      return result;
    };
  });
}

function isInbound(frame: unknown): boolean {
  return typeof frame === 'object' && frame !== null && 'type' in frame && frame.type === 'inbound';
}
