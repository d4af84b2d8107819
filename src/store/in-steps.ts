/** Repeats `step`, which does up to `size`, until there is less to do: others get in between. Returns how much it did. */
export async function inSteps(size: number, step: () => Promise<number>): Promise<number> {
  for (let total = 0; ;) {
    const done = await step();
    total += done;
    if (done < size) return total;
  }
}
