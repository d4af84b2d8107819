import { inspect } from 'node:util';
import type { Logger } from '../../base/log.ts';
import type { ActorSnapshot } from './actor.ts';

const INDENT = '  ';
const ON_ONE_LINE = { breakLength: Infinity, compact: true };
const DEFAULT_MAX_SIBLINGS = 20;

/**
 * The actor tree as text, one line per actor, children indented under their parent. Of siblings of one kind the
 * `maxSiblings` with the most to do are shown, the others are summed up in a line.
 */
export function renderTree(snapshot: ActorSnapshot, maxSiblings = DEFAULT_MAX_SIBLINGS): string[] {
  const lines = [describe(snapshot)];
  for (const { shown, hidden } of busiestByKind(snapshot.children, maxSiblings)) {
    const below = shown.flatMap((child) => renderTree(child, maxSiblings));
    if (hidden.length > 0) below.push(summarize(hidden));
    lines.push(...below.map((line) => INDENT + line));
  }
  return lines;
}

interface Siblings {
  readonly shown: readonly ActorSnapshot[];
  readonly hidden: readonly ActorSnapshot[];
}

/** Of siblings of one kind the `most` with the most to do are shown; all of them, in their order, if they are no more. */
export const busiestByKind = (children: readonly ActorSnapshot[], most: number): readonly Siblings[] =>
  [...Map.groupBy(children, ({ kind }) => kind).values()].map((siblings) => {
    const ranked = siblings.length > most ? siblings.toSorted(byLoad) : siblings;
    return { shown: ranked.slice(0, most), hidden: ranked.slice(most) };
  });

const byLoad = (one: ActorSnapshot, other: ActorSnapshot): number =>
  load(other) - load(one) ||
  (other.oldestWaitingMs ?? 0) - (one.oldestWaitingMs ?? 0) ||
  other.handled - one.handled;

const load = ({ depth, outstanding }: ActorSnapshot): number => depth + outstanding;

function describe(actor: ActorSnapshot): string {
  const facts = [
    `depth ${actor.depth}`,
    `outstanding ${actor.outstanding}`,
    `handled ${actor.handled}`,
    `failed ${actor.failed}`,
    `restarts ${actor.restarts}`,
  ];
  if (actor.oldestWaitingMs !== null) facts.push(`oldest ${actor.oldestWaitingMs} ms`);
  if (actor.busyMs !== null) facts.push(`busy ${actor.busyMs} ms`);
  for (const [name, value] of Object.entries(actor.detail ?? {}))
    facts.push(`${name} ${inspect(value, ON_ONE_LINE)}`);
  return `${actor.kind} ${actor.name}: ${facts.join(', ')}`;
}

function summarize(hidden: readonly ActorSnapshot[]): string {
  const sum = (count: (actor: ActorSnapshot) => number) =>
    hidden.reduce((total, actor) => total + count(actor), 0);
  const restarts = sum((actor) => actor.restarts);
  return `… ${hidden.length} more ${hidden[0]?.kind}: depth ${sum(load)}, restarts ${restarts}`;
}

/** Writes the live actor tree to the log: one line per actor, at `info`. */
export function logTree(tree: { inspect(): ActorSnapshot }, log: Logger): void {
  for (const line of renderTree(tree.inspect())) log.info({}, line);
}
