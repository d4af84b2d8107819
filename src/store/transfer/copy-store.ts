import { DragomanError } from '../../base/errors.ts';
import {
  type CopyMark,
  fenceAbove,
  type Place,
  type Readable,
  RunningTally,
  type Section,
  SECTIONS,
  type Source,
  type Tally,
  type Target,
} from './records.ts';

/** Records of one transaction of the target: what a kill costs at most. */
const PAGE_RECORDS = 200;

export interface CopyProgress {
  readonly step: 'copy' | 'verify';
  readonly section: Section;
  /** Records, of the whole step. */
  readonly done: number;
  readonly total: number;
}

export interface CopyReport {
  /** Whether an earlier attempt had begun it. */
  readonly resumed: boolean;
  readonly sections: readonly ({ readonly section: Section } & Tally)[];
}

/**
 * Copies a store into an empty one.
 *   C1 The target is marked as unfinished from before its first record until both hold the same: no backend opens it.
 *   C2 A page and the mark that comes after it are one transaction, so that a copy that is killed goes on where it was.
 *   C3 A source that was used since the copy began is refused, as is a target with records or a mark of another source.
 *   C4 It ends only when every section has the same number of records with the same contents in both.
 * Rejects with `already_in_use` (C3), `store_corrupt` (C4: the target stays unfinished) and with what the stores reject with.
 */
export async function copyStore(
  source: Source,
  target: Target,
  onProgress: (progress: CopyProgress) => void,
): Promise<CopyReport> {
  const begun = await target.mark();
  const mark = begun ?? (await beginCopy(source, target));
  await expectUnused(source, mark);

  const total = await totalOf(source);
  await copySections(source, target, mark, (section, done) =>
    onProgress({ step: 'copy', section, done, total }),
  );
  const { tallies, fence } = await compare(source, target, (section, done) =>
    onProgress({ step: 'verify', section, done, total }),
  );
  await expectUnused(source, mark);
  await target.finish(Math.max(fence, mark.fence));
  return { resumed: begun !== null, sections: tallies };
}

async function beginCopy(source: Source, target: Target): Promise<CopyMark> {
  await expectEmpty(target);
  const at = { section: SECTIONS[0], cursor: null };
  const mark = { source: source.name, fence: await source.freeze(), at };
  await target.begin(mark);
  return mark;
}

async function expectEmpty(target: Target): Promise<void> {
  for (const section of SECTIONS) {
    if ((await target.count(section)) === 0) continue;
    throw new DragomanError(
      'already_in_use',
      `expected an empty store, got ${target.name} with records in ${section}`,
    );
  }
}

async function expectUnused(source: Source, mark: CopyMark): Promise<void> {
  if (mark.source !== source.name) {
    throw new DragomanError(
      'already_in_use',
      `expected to go on with the copy of ${mark.source} that was begun there, got ${source.name}: ` +
        'give the same --from, or an empty --to',
    );
  }
  if ((await source.fence()) !== mark.fence) {
    throw new DragomanError(
      'already_in_use',
      `${source.name} has been used since its copy began: stop its backend, and start again with an empty --to`,
    );
  }
}

async function totalOf(store: Readable): Promise<number> {
  let total = 0;
  for (const section of SECTIONS) total += await store.count(section);
  return total;
}

async function copySections(
  source: Source,
  target: Target,
  from: CopyMark,
  onPage: (section: Section, done: number) => void,
): Promise<void> {
  let done = await totalOf(target);
  let { at } = from;
  while (at !== null) {
    const { section, cursor }: Place = at;
    const page = await source.read(section, cursor, PAGE_RECORDS);
    at = placeAfter(section, page.next);
    await target.write(section, page.records, { ...from, at });
    done += page.records.length;
    onPage(section, done);
  }
}

function placeAfter(section: Section, cursor: string | null): Place | null {
  if (cursor !== null) return { section, cursor };
  const next = SECTIONS[SECTIONS.indexOf(section) + 1];
  return next === undefined ? null : { section: next, cursor: null };
}

async function compare(
  source: Source,
  target: Target,
  onPage: (section: Section, done: number) => void,
): Promise<{ readonly tallies: CopyReport['sections']; readonly fence: number }> {
  const tallies: ({ section: Section } & Tally)[] = [];
  let done = 0;
  let fence = 0;
  for (const section of SECTIONS) {
    const expected = await tallyOf(source, section, (records) => onPage(section, (done += records)));
    const got = await tallyOf(target, section);
    if (expected.count !== got.count || expected.sha256 !== got.sha256) {
      throw new DragomanError(
        'store_corrupt',
        `${section}: expected ${expected.count} records in ${target.name} as in ${source.name}, got ${got.count}` +
          `${expected.count === got.count ? ' with other contents' : ''}: it is left unfinished, start again with an empty --to`,
      );
    }
    fence = Math.max(fence, expected.fence, got.fence);
    tallies.push({ section, count: got.count, sha256: got.sha256 });
  }
  return { tallies, fence };
}

async function tallyOf(
  store: Pick<Source, 'read'>,
  section: Section,
  onPage: (records: number) => void = () => {},
): Promise<Tally & { readonly fence: number }> {
  const sum = new RunningTally();
  let fence = 0;
  let cursor: string | null = null;
  do {
    const page = await store.read(section, cursor, PAGE_RECORDS);
    sum.add(page.records);
    fence = Math.max(fence, fenceAbove(page.records));
    cursor = page.next;
    onPage(page.records.length);
  } while (cursor !== null);
  return { ...sum.total, fence };
}
