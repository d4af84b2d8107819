/**
 * @typedef {import('../live/contract.ts').SnapshotFrame} SnapshotFrame
 * @typedef {import('../live/contract.ts').UpdateFrame} UpdateFrame
 * @typedef {import('../live/contract.ts').LiveChatView} LiveChat
 * @typedef {import('../live/contract.ts').SecondView} Second
 *
 * @typedef {object} Live What the server has told, put together.
 * @property {number} skewMs the server's clock minus this one
 * @property {SnapshotFrame['bots']} bots
 * @property {SnapshotFrame['pools']} pools
 * @property {SnapshotFrame['staging']} staging
 * @property {SnapshotFrame['totals']} totals
 * @property {readonly Second[]} seconds
 * @property {readonly LiveChat[]} chats in the order in which they are shown
 * @property {number} matching chats that match what is searched for, shown or not
 */

/** How far back the charts go. */
const SECONDS = 300;

/**
 * @param {Live | null} live null: nothing has been told yet
 * @param {SnapshotFrame | UpdateFrame} frame
 * @param {number} now by this machine's clock
 * @returns {Live | null} a new object; null while no snapshot has come
 */
export function withFrame(live, frame, now) {
  const before = frame.type === 'snapshot' ? null : live;
  if (frame.type === 'snapshot') {
    const { bots, pools, staging, totals, chats } = frame;
    return {
      skewMs: frame.at - now,
      bots,
      pools,
      staging,
      totals,
      seconds: recent(frame.seconds, frame.at),
      chats: ordered(chats.order, chats.changed, live?.chats ?? []),
      matching: chats.total,
    };
  }
  if (before === null) return null;
  return {
    skewMs: frame.at - now,
    bots: frame.bots ?? before.bots,
    pools: frame.pools ?? before.pools,
    staging: frame.staging ?? before.staging,
    totals: frame.totals,
    seconds:
      frame.seconds.length === 0 ? before.seconds : recent([...before.seconds, ...frame.seconds], frame.at),
    chats: ordered(frame.chats.order, frame.chats.changed, before.chats),
    matching: frame.chats.total,
  };
}

/** @param {readonly Second[]} seconds @param {number} now */
const recent = (seconds, now) => seconds.filter(({ at }) => at > now - (SECONDS + 1) * 1_000);

/**
 * @param {readonly string[]} order
 * @param {readonly LiveChat[]} changed
 * @param {readonly LiveChat[]} known
 */
function ordered(order, changed, known) {
  const chats = new Map([...known, ...changed].map((chat) => [chat.chat, chat]));
  return order.flatMap((name) => chats.get(name) ?? []);
}

/**
 * `chats` in the order of `held`, for whoever is looking at a list: those that are new come last, those that went stay.
 *
 * @param {readonly LiveChat[]} chats
 * @param {readonly LiveChat[]} held
 */
export function inHeldOrder(chats, held) {
  const present = new Map(chats.map((chat) => [chat.chat, chat]));
  const kept = held.map((chat) => present.get(chat.chat) ?? chat);
  const names = new Set(held.map(({ chat }) => chat));
  return [...kept, ...chats.filter(({ chat }) => !names.has(chat))];
}

/**
 * How much happened per second in the last `count` whole seconds, on average.
 *
 * @param {readonly Second[]} seconds
 * @param {number} now by the server's clock
 * @param {'accepted' | 'ingested' | 'fulfilled'} what
 */
export function perSecond(seconds, now, what, count = 10) {
  const until = Math.floor(now / 1_000) * 1_000;
  const within = seconds.filter(({ at }) => at >= until - count * 1_000 && at < until);
  return within.reduce((sum, second) => sum + second[what], 0) / count;
}

/**
 * @typedef {object} ChartRow One second of the charts.
 * @property {number} at
 * @property {number | null} accepted per second, as a mean of the last five; null before the backend started
 * @property {number | null} ingested
 * @property {number | null} textMs
 * @property {number | null} mediaMs
 */

const MEAN_OF = 5;

/**
 * One row per second, oldest first, those in which nothing happened included.
 *
 * @param {readonly Second[]} seconds
 * @param {number} now by the server's clock
 * @param {number} startedAt when the backend started
 * @returns {ChartRow[]}
 */
export function everySecond(seconds, now, startedAt) {
  const known = new Map(seconds.map((second) => [second.at, second]));
  const last = Math.floor(now / 1_000) * 1_000 - 1_000;
  const mean = (/** @type {number} */ at, /** @type {'accepted' | 'ingested'} */ what) => {
    let sum = 0;
    for (let back = 0; back < MEAN_OF; back += 1) sum += known.get(at - back * 1_000)?.[what] ?? 0;
    return sum / MEAN_OF;
  };
  return Array.from({ length: SECONDS }, (_, index) => {
    const at = last - (SECONDS - 1 - index) * 1_000;
    if (at < startedAt) return { at, accepted: null, ingested: null, textMs: null, mediaMs: null };
    const { textMs = null, mediaMs = null } = known.get(at) ?? {};
    return { at, accepted: mean(at, 'accepted'), ingested: mean(at, 'ingested'), textMs, mediaMs };
  });
}
