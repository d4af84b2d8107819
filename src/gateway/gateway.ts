import path from 'node:path';
import { describeError, DragomanError } from '../base/errors.ts';
import { makeFolder } from '../base/make-folder.ts';
import { GIB } from '../base/units.ts';
import { StagingQuota } from '../staging/quota.ts';
import { openStagingFolder } from '../staging/staging-folder.ts';
import { lockFolder } from './folder-lock.ts';
import type { Gateway, GatewayOptions } from './gateway-options.ts';
import { Journal, JOURNAL_FILE } from './journal.ts';
import { RunningGateway } from './running-gateway.ts';
import { type GatewaySettings, gatewaySettings } from './settings.ts';

/**
 * Starts a gateway: its bots that were running start again at once, with or without a backend.
 * Rejects with `config_invalid`, `folder_unusable`, `already_in_use`, `store_corrupt` or `store_newer`.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = await prepareGateway(options, parseSettings(options.settings));
  try {
    gateway.start();
    return gateway;
  } catch (error) {
    await gateway.stop();
    throw error;
  }
}

/** A gateway that holds its folder and its journal, and does nothing yet. */
async function prepareGateway(options: GatewayOptions, settings: GatewaySettings): Promise<RunningGateway> {
  const folder = await openStagingFolder(options.stagingFolder);
  const lock = lockFolder(folder.dir);
  try {
    await folder.removePartials();
    const quota = new StagingQuota(settings.mediaStorageQuotaGb * GIB);
    await quota.reconcile(() => folder.list());
    const journal = await openJournal(options, settings);
    return new RunningGateway(options, settings, { folder, lock, quota, journal });
  } catch (error) {
    lock.release();
    throw error;
  }
}

function parseSettings(given: Partial<GatewaySettings> = {}): GatewaySettings {
  const parsed = gatewaySettings.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`,
  );
  throw new DragomanError('config_invalid', `the gateway's settings do not hold: ${problems.join('; ')}`);
}

async function openJournal(options: GatewayOptions, settings: GatewaySettings): Promise<Journal> {
  const { dataFolder, clock, gatewayId, providerName = 'whatsapp-baileys' } = options;
  try {
    makeFolder(dataFolder, 0o700);
  } catch (error) {
    throw new DragomanError('folder_unusable', `cannot make ${dataFolder}: ${describeError(error)}`, {
      cause: error,
    });
  }
  return new Journal({
    file: path.join(dataFolder, JOURNAL_FILE),
    clock,
    providerName,
    undecryptableWaitMs: settings.undecryptableWaitMs,
    seenDays: settings.seenDays,
    ...(gatewayId === undefined ? {} : { gatewayId }),
  });
}
