import { inspect as shown } from 'node:util';
import type { ActorView } from '../system/administration/views.ts';
import type { ConfigSources } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { duration } from './table.ts';
import { withBackend } from './with-administration.ts';

/** `dragoman inspect`: the live actor tree, one line per actor. Resolves to the exit code. */
export const inspect = (
  sources: ConfigSources,
  { siblings, json }: { readonly siblings: number; readonly json?: boolean | undefined },
): Promise<number> =>
  withBackend(sources, async ({ actors }) => {
    const tree = await actors.show(siblings);
    if (json === true) console.log(JSON.stringify(tree));
    else for (const actor of tree) console.log('  '.repeat(actor.level) + describe(actor));
    return EXIT.ok;
  });

function describe(actor: ActorView): string {
  const { path, kind, depth, handled, failed, restarts, oldestWaitingMs, busyMs, detail } = actor;
  const facts = [`depth ${depth}`, `handled ${handled}`];
  if (failed > 0) facts.push(`failed ${failed}`);
  if (restarts > 0) facts.push(`restarts ${restarts}`);
  if (oldestWaitingMs !== null) facts.push(`oldest ${duration(oldestWaitingMs)}`);
  if (busyMs !== null) facts.push(`busy ${duration(busyMs)}`);
  for (const [name, value] of Object.entries(detail)) {
    if (value !== null) facts.push(`${name} ${shown(value, { breakLength: Infinity, compact: true })}`);
  }
  if (actor.hiddenChildren > 0) facts.push(`${actor.hiddenChildren} more below`);
  return `${kind} ${path.split('/').at(-1) || 'tree'}: ${facts.join(', ')}`;
}
