import { age } from '../format.js';
import { html } from '../html.js';
import { chatHash } from '../route.js';
import { kindName, QueueLine } from './queue-line.js';

/** @typedef {import('../live-state.js').LiveChat} LiveChat */

/** @param {{ chats: readonly LiveChat[], now: number, empty?: unknown }} props */
export function ChatList({ chats, now, empty = html`<${NoChats} />` }) {
  if (chats.length === 0) return empty;
  return html`<ul class="chats">
    ${chats.map((chat) => html`<${ChatRow} key=${chat.chat} chat=${chat} now=${now} />`)}
  </ul>`;
}

const NoChats = () =>
  html`<div class="empty">
    <p>No message yet.</p>
    <p>Write to a bot from another phone, or try one offline: <code>npm run demo</code></p>
  </div>`;

/** @param {{ chat: LiveChat, now: number }} props */
function ChatRow({ chat, now }) {
  const last = chat.places.at(-1);
  return html`<li class="chat-row">
    <div class="who">
      <a href=${chatHash({ botId: chat.botId, identifier: chat.correspondentId })}>${chatTitle(chat)}</a>
      <p class="note">
        ${chat.isGroup ? 'group · ' : ''}${chat.botId}${last === undefined ? '' : html` · <span class="preview">${last.preview || kindName(last.kind)}</span>`}
      </p>
    </div>
    <${QueueLine} chat=${chat} now=${now} />
    <p class="when note" title="Time since its last change">${age(now - chat.changedAt)}</p>
  </li>`;
}

/** @param {LiveChat} chat */
const chatTitle = ({ title, correspondentId }) => title ?? correspondentId;
