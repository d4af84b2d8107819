import { useState } from 'preact/hooks';
import { api } from '../api.js';
import { dayAndTime } from '../format.js';
import { html } from '../html.js';
import { chatHash } from '../route.js';
import { usePolled } from '../use-polled.js';
import { PageTurner } from './page-turner.js';

/** @typedef {import('../api.js').ChatView} Chat */

/** They come and go slowly, and each is asked for its name. */
const POLL_MS = 10_000;

/** @param {{ botId: string }} props */
export function BotChats({ botId }) {
  const [after, setAfter] = useState(/** @type {string | null} */ (null));
  const { data, problem } = usePolled(() => api.chats(botId, after), [botId, after], POLL_MS);
  return html`
    <h1>Chats of ${botId}</h1>
    <p class="note">
      All of them, in the order in which they began. <a href="#/chats">Those with news since the start</a>
    </p>
    ${problem !== null && html`<p class="problem" role="alert">${problem.message}</p>`}
    <section class="card" aria-label=${`All chats of ${botId}`}>
      ${
        data === null
          ? problem === null && html`<p class="waiting" role="status">Loading …</p>`
          : data.items.length === 0
            ? html`<div class="empty"><p>No chat yet.</p></div>`
            : html`<ul class="chats">
                ${data.items.map((chat) => html`<${ChatRow} key=${chat.chat} chat=${chat} />`)}
              </ul>`
      }
      ${data !== null && html`<${PageTurner} after=${after} next=${data.next} onTurn=${setAfter} />`}
    </section>
  `;
}

/** @param {{ chat: Chat }} props */
function ChatRow({ chat: { botId, correspondentId, title, createdAt } }) {
  return html`<li class="chat-row">
    <div class="who">
      <a href=${chatHash({ botId, identifier: correspondentId })}>${title ?? correspondentId}</a>
      <p class="note">${title === null ? '' : `${correspondentId} · `}since ${dayAndTime(createdAt)}</p>
    </div>
  </li>`;
}
