const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * A span of time as people say it: `640 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`.
 *
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${two(Math.floor((ms % MINUTE) / SECOND))} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${two(Math.floor((ms % HOUR) / MINUTE))} min`;
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

/**
 * How old something is, in one unit: `4 s`, `3 min`, `2 h`, `5 d`.
 *
 * @param {number} ms
 */
export function age(ms) {
  const whole = Math.max(ms, 0);
  if (whole < MINUTE) return `${Math.floor(whole / SECOND)} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h`;
  return `${Math.floor(whole / DAY)} d`;
}

/**
 * `1,234`, as the reader's language writes it.
 *
 * @param {number} count
 */
export const number = (count) => count.toLocaleString();

/**
 * One and many: `1 chat`, `2 chats`.
 *
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/**
 * A rate, events in a span of time, with as many digits as mean something.
 *
 * @param {number} events
 */
export const rate = (events) =>
  events < 10 && !Number.isInteger(events) ? events.toFixed(1) : number(Math.round(events));

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** @param {number} count */
export function bytes(count) {
  let unit = 0;
  let amount = count;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`;
}

const CLOCK_TIME = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

const DAY_OF_TIME = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

/**
 * When something was: the time of today, or the day as well.
 *
 * @param {number} epochMs
 * @param {number} now
 */
export const timeOf = (epochMs, now) =>
  new Date(epochMs).toDateString() === new Date(now).toDateString()
    ? clockTime(epochMs)
    : DAY_OF_TIME.format(epochMs);

/** @param {number} epochMs */
export const clockTime = (epochMs) => CLOCK_TIME.format(epochMs);

/** @param {number} epochMs */
export const dayAndTime = (epochMs) => DAY_AND_TIME.format(epochMs);

/** @param {number} value */
const two = (value) => String(value).padStart(2, '0');
