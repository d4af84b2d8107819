/**
 * @typedef {import('../../system/administration/views.ts').JourneyView} JourneyView
 * @typedef {import('../../system/administration/views.ts').MessageView} MessageView
 * @typedef {import('../../system/administration/views.ts').HistoryView} HistoryView
 * @typedef {import('../../system/administration/views.ts').ChatView} ChatView
 * @typedef {import('../../system/administration/views.ts').JobView} JobView
 * @typedef {{ botId: string, identifier: string }} ChatAddress
 * @typedef {'active' | 'holding' | 'failed'} JobCollection
 */

/** What the API answered instead of what was asked for. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 when there was no answer
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const TOKEN_KEY = 'dragoman.token';
const REQUEST_TIMEOUT_MS = 10_000;

/** The token, kept for as long as this tab is open. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN_KEY),
  /** @param {string} value */
  set: (value) => sessionStorage.setItem(TOKEN_KEY, value),
  forget: () => sessionStorage.removeItem(TOKEN_KEY),
};

/**
 * What the API answers was encoded by the schemas that the types are made of.
 *
 * @template T
 * @param {string} method
 * @param {string} path
 * @returns {Promise<T>} what the body says; null when there is none
 */
async function ask(method, path) {
  const own = token.get();
  let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers: own === null ? {} : { authorization: `Bearer ${own}` },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  } catch {
    throw new ApiError(0, 'Dragoman does not answer. Is it running?');
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, body?.detail ?? response.statusText);
  return body;
}

/** @param {ChatAddress} chat */
const chatPath = ({ botId, identifier }) =>
  `/bots/${encodeURIComponent(botId)}/chats/${encodeURIComponent(identifier)}`;

/** @param {string | null} after the `next` of the page before */
const pageAfter = (after) => `limit=50${after === null ? '' : `&after=${encodeURIComponent(after)}`}`;

export const api = {
  /**
   * In the order in which they began.
   *
   * @param {string} botId
   * @param {string | null} after the `next` of the page before
   * @returns {Promise<{ items: readonly ChatView[], next: string | null }>}
   */
  chats: (botId, after) => ask('GET', `/bots/${encodeURIComponent(botId)}/chats?${pageAfter(after)}`),

  /** @param {ChatAddress} chat @returns {Promise<readonly MessageView[]>} */
  queue: (chat) => ask('GET', `${chatPath(chat)}/queue`),

  /** From the newest back. @param {ChatAddress} chat @param {number} limit @returns {Promise<readonly HistoryView[]>} */
  history: (chat, limit) => ask('GET', `${chatPath(chat)}/history?limit=${limit}`),

  /** @param {ChatAddress} chat @param {number} id @returns {Promise<JourneyView>} */
  journey: (chat, id) => ask('GET', `${chatPath(chat)}/messages/${id}`),

  /**
   * @param {JobCollection} collection
   * @param {string | null} after the `next` of the page before
   * @returns {Promise<{ items: readonly JobView[], next: string | null }>}
   */
  jobs: (collection, after) => ask('GET', `/jobs?collection=${collection}&${pageAfter(after)}`),

  /** @param {string} guid @returns {Promise<unknown>} */
  retryJob: (guid) => ask('POST', `/jobs/${encodeURIComponent(guid)}/retry`),

  /** @param {string} guid @returns {Promise<unknown>} */
  dropJob: (guid) => ask('DELETE', `/jobs/${encodeURIComponent(guid)}`),
};
