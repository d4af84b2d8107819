import { useMemo, useState } from 'preact/hooks';
import { api } from '../api.js';
import { age, counted, dayAndTime, timeOf } from '../format.js';
import { html } from '../html.js';
import { botHash, chatHash } from '../route.js';
import { usePolled } from '../use-polled.js';
import { Journey } from './journey.js';
import { kindName } from './queue-line.js';

/** @typedef {import('../api.js').MessageView} Message */

const FIRST = 30;
const MOST = 200;

/**
 * @param {{ live: import('../live-state.js').Live, now: number,
 *   route: { botId: string, identifier: string, messageId: number | null } }} props
 */
export function Chat({ live, route, now }) {
  const [limit, setLimit] = useState(FIRST);
  const address = { botId: route.botId, identifier: route.identifier };
  const row = live.chats.find(
    ({ botId, correspondentId }) => botId === route.botId && correspondentId === route.identifier,
  );
  const { data, problem } = usePolled(() => both(address, limit), [row?.changedAt, limit]);
  const title = useMemo(() => titleOf(data, row) ?? route.identifier, [data, row?.title]);

  return html`
    <p class="crumbs">
      <a href="#/chats">Chats</a> · <a href=${botHash(route.botId)}>All of ${route.botId}</a>
    </p>
    <h1 class="chat-title">${title}</h1>
    <p class="note">${route.botId} · ${route.identifier}</p>
    ${problem !== null && html`<p class="problem" role="alert">${problem.message}</p>`}
    <div class="split" data-open=${route.messageId !== null}>
      <div class="split-list">
        ${
          data !== null &&
          html`
            <section class="card" aria-labelledby="queue-title">
              <div class="card-head">
                <h2 id="queue-title">Queue</h2>
                <p class="note">${queueNote(data.queue)}</p>
              </div>
              ${
                data.queue.length === 0
                  ? html`<div class="empty"><p>Nothing waits: every message is in the history.</p></div>`
                  : html`<ol class="messages">
                      ${data.queue.map((message) => html`<${MessageRow} key=${message.id} message=${message} address=${address} current=${route.messageId} now=${now} />`)}
                    </ol>`
              }
            </section>
            <section class="card" aria-labelledby="history-title">
              <div class="card-head">
                <h2 id="history-title">History</h2>
                <p class="note">the newest first</p>
              </div>
              ${
                data.history.length === 0
                  ? html`<div class="empty"><p>Nothing has been ingested yet.</p></div>`
                  : html`<ol class="messages">
                      ${data.history.map(({ message }) => html`<${MessageRow} key=${message.id} message=${message} address=${address} current=${route.messageId} now=${now} />`)}
                    </ol>`
              }
              ${
                data.history.length >= limit &&
                limit < MOST &&
                html`<div class="more">
                  <button type="button" onClick=${() => setLimit(MOST)}>Show more</button>
                </div>`
              }
            </section>
          `
        }
        ${data === null && problem === null && html`<p class="waiting" role="status">Loading …</p>`}
      </div>
      ${
        route.messageId === null
          ? html`<aside class="split-side hint card">
              <p class="note">
                Choose a message to see its journey: when it was received, journalled, worded, and how long
                each step took.
              </p>
            </aside>`
          : html`<aside class="split-side" aria-label="Journey of a message">
              <${Journey} key=${route.messageId} address=${address} id=${route.messageId} now=${now} />
            </aside>`
      }
    </div>
  `;
}

/** @param {import('../api.js').ChatAddress} address @param {number} limit */
async function both(address, limit) {
  const [queue, history] = await Promise.all([api.queue(address), api.history(address, limit)]);
  // People read places; the order in which messages became ready is for programs.
  return { queue, history: history.toSorted((one, other) => other.message.id - one.message.id) };
}

/** @param {readonly Message[]} queue */
function queueNote(queue) {
  const waiting = queue.filter(({ mediaProcessingId }) => mediaProcessingId !== null).length;
  return queue.length === 0 ? '' : `${counted(waiting, 'placeholder')}, ${queue.length - waiting} ready`;
}

/** @param {{ queue: readonly Message[], history: readonly { message: Message }[] } | null} data @param {import('../live-state.js').LiveChat | undefined} row */
function titleOf(data, row) {
  if (row?.title) return row.title;
  const messages = [...(data?.queue ?? []), ...(data?.history ?? []).map(({ message }) => message)];
  const group = messages.find((message) => message.group !== null)?.group;
  if (group) return group.name;
  return messages.find(({ direction, sender }) => direction === 'incoming' && sender.displayName !== null)
    ?.sender.displayName;
}

/** @param {{ message: Message, address: import('../api.js').ChatAddress, current: number | null, now: number }} props */
function MessageRow({ message, address, current, now }) {
  const isWaiting = message.mediaProcessingId !== null;
  // What was written before the bot was linked, or while it was away, is told with its own time.
  const at = message.originatingTime ?? message.acceptedTime;
  const sender =
    message.direction === 'outgoing' ? 'sent' : (message.sender.displayName ?? message.sender.identifier);
  return html`<li data-state=${isWaiting ? 'placeholder' : 'ready'} data-direction=${message.direction}>
    <a
      class="message"
      href=${chatHash(address, message.id)}
      aria-current=${message.id === current ? 'true' : null}
    >
      <span class="place-id">${message.id}</span>
      <span class="message-body">
        <span class="message-sender">${sender}</span>
        ${isWaiting && html`<span class="tag" data-tone="wait">${kindName(kindOf(message.mimeType))} · ${age(now - message.acceptedTime)}</span>`}
        <span class="message-text">${message.content || (isWaiting ? '' : '(empty)')}</span>
      </span>
      <time class="note" title=${dayAndTime(at)}>${timeOf(at, now)}</time>
    </a>
  </li>`;
}

/** @param {string | null} mimeType */
function kindOf(mimeType) {
  const [family = ''] = (mimeType ?? '').split('/');
  if (mimeType === 'image/webp') return 'sticker';
  return ['image', 'video', 'audio'].includes(family) ? family : 'document';
}
