import type { CrashReport } from './crash-run.ts';
import type { Blow } from './lives.ts';

/** A blow, for a person. */
export const shown = (blow: Blow): string =>
  blow.kind === 'moment'
    ? `${blow.waitMs} ms after it is ${blow.after}`
    : `at ${blow.failpoint.name}, time ${blow.nth}`;

/** Whether nothing is otherwise than if no process had died. */
export const isUnharmed = ({
  said: _said,
  kills: _kills,
  unreached: _unreached,
  ...damage
}: CrashReport): boolean => Object.values(damage).every((each) => each.length === 0);

/** The command that plays a run again. */
export function again(
  seed: number,
  { kills, failpoint }: { readonly kills?: string; readonly failpoint?: readonly string[] | undefined },
): string {
  const what = failpoint?.map((name) => `--failpoint '${name}'`).join(' ') ?? `--kills ${kills}`;
  return `npm run crash -- --seed ${seed} ${what}`;
}
