import type { SharedFolder } from '../actors/janitor-files.ts';
import type { StagingFolders } from '../staging/staging-folders.ts';
import type { Ingress } from './ingress.ts';
import type { RunningBot } from './running-bot.ts';

export interface SharedFoldersOptions {
  readonly staging: StagingFolders;
  readonly bots: ReadonlyMap<string, Pick<RunningBot, 'settings'>>;
  readonly ingress: Pick<Ingress, 'ask' | 'linkedGateways' | 'released'>;
}

/**
 * The staging folders, each with the gateways that may have put files there: its owner, or, of the shared one, every
 * gateway without a folder of its own that has a bot or is connected.
 */
export function sharedFolders({ staging, bots, ingress }: SharedFoldersOptions): readonly SharedFolder[] {
  const owners = new Set(staging.owned.map(({ owner }) => owner));
  const known = new Set([
    ...Array.from(bots.values(), ({ settings }) => settings.gateway),
    ...ingress.linkedGateways(),
  ]);
  const gatewayOf = (id: string) => ({
    id,
    async held(guids: readonly string[]) {
      const answer = await ingress.ask(id, { type: 'media.holds', guids: [...guids] }, 'media.held');
      return answer === null ? null : { held: new Set(answer.guids), unacked: answer.unacked ?? 0 };
    },
    released: (guid: string) => ingress.released(id, guid),
  });
  return staging.owned.map(({ folder, owner }) => ({
    folder,
    gateways: (owner === null ? [...known].filter((id) => !owners.has(id)) : [owner]).map(gatewayOf),
  }));
}
