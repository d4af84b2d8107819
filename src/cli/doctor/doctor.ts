import { styleText } from 'node:util';
import type { ConfigSources } from '../../system/config.ts';
import { EXIT } from '../exit-codes.ts';
import type { Finding } from './check.ts';
import { checkConfiguration, checkNode, checkTokens } from './configuration-checks.ts';
import { checkFolders } from './folder-checks.ts';
import { checkBackends, checkPorts } from './network-checks.ts';
import { checkProcessors } from './processor-checks.ts';
import { checkStore } from './store-check.ts';

/**
 * `dragoman doctor`: looks at everything that a start needs, and changes nothing. What is configured with an `uplink` is
 * looked at as a gateway, everything else as a backend. Resolves to the exit code: 1 when something fails.
 */
export async function doctor(sources: ConfigSources, asJson: boolean): Promise<number> {
  const findings = await examine(sources);
  const healthy = findings.every(({ state }) => state !== 'failing');
  if (asJson) console.log(JSON.stringify({ healthy, findings }));
  else for (const finding of findings) console.log(lineOf(finding));
  return healthy ? EXIT.ok : EXIT.failed;
}

async function examine(sources: ConfigSources): Promise<readonly Finding[]> {
  const { config, findings } = checkConfiguration(sources);
  const first = [checkNode(process.versions.node), ...findings];
  if (config === null) return first;
  const further = await Promise.all([
    checkFolders(config),
    ...(config.uplink === undefined
      ? [checkStore(config), checkPorts(config), checkProcessors(config)]
      : [checkBackends(config)]),
  ]);
  return [...first, ...checkTokens(config), ...further.flat()];
}

const MARK = { ok: '✓', warning: '!', failing: '✗' } as const;
const COLOUR = { ok: 'green', warning: 'yellow', failing: 'red' } as const;

function lineOf({ check, state, found, todo }: Finding): string {
  const mark = styleText(COLOUR[state], MARK[state], { stream: process.stdout });
  return `${mark} ${check}: ${found}${todo === null ? '' : ` → ${todo}`}`;
}
