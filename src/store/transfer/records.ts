import { createHash } from 'node:crypto';
import { NUMBERS_PER_OWNER } from '../mongo/collections.ts';

/**
 * What a store holds, in a form that belongs to neither adapter: the documents of src/store/documents.ts, with what an
 * adapter keeps beside them (a chat's number, a bot's order) as plain fields. Copied and compared in this order: a
 * chat is there before what refers to it.
 */
export const SECTIONS = [
  'bots',
  'correspondents',
  'message_ids',
  'queue_journal',
  'queues',
  'media_turns',
  'media_processing_jobs',
  'media_processing_jobs_holding',
  'media_processing_jobs_failed',
  'counters',
] as const;
export type Section = (typeof SECTIONS)[number];

/** As `portable` makes it: a field of the record itself is missing where it is null. */
export type PortableRecord = Readonly<Record<string, unknown>>;

export interface Page {
  readonly records: readonly PortableRecord[];
  /** Where the next page begins; null after the last one. */
  readonly next: string | null;
}

/** A store that nobody changes, for reading all of it. */
export interface Readable {
  /** How people may call it: never with credentials. */
  readonly name: string;
  /** Of the newest owner it had. */
  fence(): Promise<number>;
  count(section: Section): Promise<number>;
  /** At most so many records after `cursor`, in an order that stays the same. */
  read(section: Section, cursor: string | null, atMost: number): Promise<Page>;
  close(): Promise<void>;
}

export interface Source extends Readable {
  /** Refuses, from now on, the writes of whoever owned it before. Resolves to its fence. */
  freeze(): Promise<number>;
}

/** How far a copy has come, kept in the target from its first record to its last. */
export interface CopyMark {
  readonly source: string;
  /** Of the source when the copy began: another one says that somebody used it since. */
  readonly fence: number;
  /** What is copied next; null once everything is there. */
  readonly at: Place | null;
}

export interface Place {
  readonly section: Section;
  /** Of a `Page`; null at the section's beginning. */
  readonly cursor: string | null;
}

export interface Target extends Readable {
  mark(): Promise<CopyMark | null>;
  /** Begins a copy into a store that holds nothing. */
  begin(mark: CopyMark): Promise<void>;
  /** One transaction: the records are there, and the copy goes on at `mark`. */
  write(section: Section, records: readonly PortableRecord[], mark: CopyMark): Promise<void>;
  /** Ends the copy: a backend may open the store. Its next owner's fence, and every number it gives, is above `fence`. */
  finish(fence: number): Promise<void>;
}

/** The least fence of a former owner that all numbers of these records are below the next owner's. */
export const fenceAbove = (records: readonly PortableRecord[]): number =>
  records.reduce(
    (highest, { chat, seq, order }) =>
      [chat, seq, order].reduce<number>(
        (most, number) =>
          typeof number === 'number' ? Math.max(most, Math.floor(number / NUMBERS_PER_OWNER)) : most,
        highest,
      ),
    0,
  );

/** What both adapters can hold: texts without lone surrogates, which UTF-8 has no place for. Fields that are null are left out. */
export const portable = (record: PortableRecord): PortableRecord =>
  Object.fromEntries(fieldsOf(record).filter(([, field]) => field !== null));

const fieldsOf = (value: object): [string, unknown][] =>
  Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => [name, portableValue(field)]);

function portableValue(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(portableValue);
  return typeof value === 'object' && value !== null ? Object.fromEntries(fieldsOf(value)) : value;
}

/** The record without some of its fields. */
export const without = (record: PortableRecord, ...names: readonly string[]): PortableRecord =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));

export interface Tally {
  readonly count: number;
  /** Of the contents, whatever their order. */
  readonly sha256: string;
}

const MODULUS = 2n ** 256n;

/** Counts records and adds up their hashes, so that the same records in any order have the same tally. */
export class RunningTally {
  #count = 0;
  #sum = 0n;

  add(records: readonly PortableRecord[]): void {
    for (const record of records) {
      const digest = createHash('sha256').update(canonical(record)).digest('hex');
      this.#sum = (this.#sum + BigInt(`0x${digest}`)) % MODULUS;
    }
    this.#count += records.length;
  }

  get total(): Tally {
    return { count: this.#count, sha256: this.#sum.toString(16).padStart(64, '0') };
  }
}

/** JSON with its fields in one order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
}
