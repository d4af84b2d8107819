/** As many letters may be wrong, for each so many of a name. */
const LETTERS_PER_MISTAKE = 3;

/** The one of `names` that somebody who wrote `written` most likely meant; null when none is near. Case does not count. */
export function closestTo(written: string, names: Iterable<string>): string | null {
  let closest: string | null = null;
  let fewest = Math.floor(written.length / LETTERS_PER_MISTAKE) + 1;
  for (const name of names) {
    const mistakes = distance(written.toLowerCase(), name.toLowerCase());
    if (mistakes < fewest) {
      closest = name;
      fewest = mistakes;
    }
  }
  return closest;
}

/** Letters to insert, drop, replace, or swap with their neighbour (optimal string alignment). */
function distance(from: string, to: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let done = 0; done < from.length; done++) {
    const next = [done + 1];
    for (let index = 0; index < to.length; index++) {
      const isSwap = done > 0 && from[done] === to[index - 1] && from[done - 1] === to[index];
      next.push(
        Math.min(
          at(row, index) + (from[done] === to[index] ? 0 : 1),
          at(row, index + 1) + 1,
          at(next, index) + 1,
          isSwap ? at(before, index - 1) + 1 : Infinity,
        ),
      );
    }
    before = row;
    row = next;
  }
  return at(row, to.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Infinity;
