/** What happened, as a number: two runs of one seed must have the same. */
export class Trace {
  /** FNV-1a over every line. */
  hash = 2_166_136_261;
  /** The lines themselves, if somebody wants to read them. */
  readonly lines: string[] | null;
  readonly #counts = new Map<string, number>();

  constructor(keepLines: boolean) {
    this.lines = keepLines ? [] : null;
  }

  add(line: string): void {
    for (let at = 0; at < line.length; at += 1) {
      this.hash = Math.imul(this.hash ^ line.charCodeAt(at), 16_777_619) >>> 0;
    }
    this.lines?.push(line);
  }

  /** Counts a state that a simulation should reach now and then. */
  count(what: string, times = 1): void {
    if (times > 0) this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}
