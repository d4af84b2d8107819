import { inspect } from 'node:util';
import type { Clock, Timer } from '../../base/clock.ts';
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
  for (const siblings of Map.groupBy(snapshot.children, ({ kind }) => kind).values()) {
    const ranked = siblings.length > maxSiblings ? siblings.toSorted(byLoad) : siblings;
    const below = ranked.slice(0, maxSiblings).flatMap((child) => renderTree(child, maxSiblings));
    const hidden = ranked.slice(maxSiblings);
    if (hidden.length > 0) below.push(summarize(hidden));
    lines.push(...below.map((line) => INDENT + line));
  }
  return lines;
}

const byLoad = (one: ActorSnapshot, other: ActorSnapshot): number =>
  load(other) - load(one) || (other.oldestWaitingMs ?? 0) - (one.oldestWaitingMs ?? 0);

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

export interface InspectorLogOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two periodic logs of the tree; absent: on demand only. */
  readonly everyMs?: number;
  /** Of one kind, under one parent. Default 20. */
  readonly maxSiblings?: number;
}

/**
 * Writes the live actor tree to the log, on demand and periodically.
 *   I1 After `close` it writes nothing of its own accord and holds no timer.
 */
export class InspectorLog {
  readonly #tree: { inspect(): ActorSnapshot };
  readonly #options: InspectorLogOptions;
  #timer: Timer | null = null;

  constructor(tree: { inspect(): ActorSnapshot }, options: InspectorLogOptions) {
    this.#tree = tree;
    this.#options = options;
    this.#scheduleNext();
  }

  /** One line per actor, at `info`. */
  logTree(): void {
    const lines = renderTree(this.#tree.inspect(), this.#options.maxSiblings);
    for (const line of lines) this.#options.log.info({}, line);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #scheduleNext(): void {
    const { clock, everyMs } = this.#options;
    if (everyMs === undefined) return;
    this.#timer = clock.schedule(everyMs, () => {
      this.#scheduleNext();
      this.logTree();
    });
  }
}
