/**
 * @typedef {{ page: 'overview' } | { page: 'chats' } | { page: 'jobs', collection: import('./api.js').JobCollection }
 *   | { page: 'bot', botId: string } | { page: 'chat', botId: string, identifier: string, messageId: number | null } | { page: 'unknown' }} Route
 */

/**
 * The page that a location names by its hash. What is in a hash may be anything.
 *
 * @param {string} hash
 * @returns {Route}
 */
export function routeOf(hash) {
  const [first, ...rest] = hash.replace(/^#\/?/, '').split('/').map(decoded);
  if (first === '') return { page: 'overview' };
  if (first === 'chats') return rest.length === 0 ? { page: 'chats' } : chatRoute(rest);
  const [collection = 'active'] = rest;
  return first === 'jobs' && isCollection(collection) ? { page: 'jobs', collection } : { page: 'unknown' };
}

/** @param {readonly string[]} parts @returns {Route} */
function chatRoute([botId = '', identifier, message]) {
  if (identifier === undefined && botId !== '') return { page: 'bot', botId };
  const messageId = message === undefined ? null : Number(message);
  const isMessage = messageId === null || (Number.isSafeInteger(messageId) && messageId > 0);
  return botId !== '' && identifier !== undefined && identifier !== '' && isMessage
    ? { page: 'chat', botId, identifier, messageId }
    : { page: 'unknown' };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

/** @param {string} text @returns {text is import('./api.js').JobCollection} */
const isCollection = (text) => text === 'active' || text === 'holding' || text === 'failed';

/** All chats of a bot. @param {string} botId */
export const botHash = (botId) => `#/chats/${encodeURIComponent(botId)}`;

/** @param {import('./api.js').ChatAddress} chat @param {number} [messageId] */
export const chatHash = ({ botId, identifier }, messageId) =>
  `${botHash(botId)}/${encodeURIComponent(identifier)}${messageId === undefined ? '' : `/${messageId}`}`;
