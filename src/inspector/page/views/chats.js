import { useEffect, useRef, useState } from 'preact/hooks';
import { counted } from '../format.js';
import { html } from '../html.js';
import { inHeldOrder } from '../live-state.js';
import { ChatList } from './chat-list.js';
import { Legend } from './queue-line.js';

/** @typedef {import('../live-state.js').LiveChat} LiveChat */

const FIRST = 30;
const MOST = 60;
const TYPING_MS = 200;

/** @param {{ live: import('../live-state.js').Live, link: import('../live-link.js').LiveLink, now: number }} props */
export function Chats({ live, link, now }) {
  const [search, setSearch] = useState('');
  const [botId, setBotId] = useState('');
  const [limit, setLimit] = useState(FIRST);
  const [held, setHeld] = useState(/** @type {readonly LiveChat[] | null} */ (null));

  useEffect(() => {
    const timer = setTimeout(
      () => link.watch({ ...(search && { search }), ...(botId && { botId }), limit }),
      TYPING_MS,
    );
    return () => clearTimeout(timer);
  }, [search, botId, limit]);
  useEffect(() => () => link.watch({}), []);

  const chats = held === null ? live.chats : inHeldOrder(live.chats, held);
  const shown = useRef(chats);
  shown.current = chats;
  const hold = () => setHeld((before) => before ?? shown.current);
  const release = () => setHeld(null);
  const change = (/** @type {() => void} */ set) => {
    release();
    setLimit(FIRST);
    set();
  };
  return html`
    <h1>Chats</h1>
    <form class="filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label>
        <span>Search</span>
        <input
          type="search"
          placeholder="Name of a person or group"
          maxlength="100"
          value=${search}
          onInput=${(/** @type {any} */ event) => change(() => setSearch(event.currentTarget.value.trim()))}
        />
      </label>
      <label>
        <span>Bot</span>
        <select
          value=${botId}
          onChange=${(/** @type {any} */ event) => change(() => setBotId(event.currentTarget.value))}
        >
          <option value="">All bots</option>
          ${live.bots.map((bot) => html`<option key=${bot.botId} value=${bot.botId}>${bot.botId}</option>`)}
        </select>
      </label>
    </form>
    <section class="card" aria-label="Chats, the latest first">
      <div class="card-head">
        <p class="note">
          ${shownOf(chats.length, live.matching)} ·
          ${held === null ? 'latest first' : 'order held while you look'}
        </p>
        <${Legend} />
      </div>
      <div onPointerEnter=${hold} onPointerLeave=${release} onFocusIn=${hold} onFocusOut=${release}>
        <${ChatList}
          chats=${chats}
          now=${now}
          empty=${
            search || botId
              ? html`<div class="empty">
                  <p>No chat matches.</p>
                  <p>Search for a part of a name, or look at all bots.</p>
                </div>`
              : undefined
          }
        />
      </div>
      ${
        live.matching > limit &&
        html`<div class="more">
          ${
            limit < MOST
              ? html`<button type="button" onClick=${() => setLimit(MOST)}>Show more</button>`
              : html`<p class="note">These are the latest ${MOST}. Search to find another.</p>`
          }
        </div>`
      }
    </section>
  `;
}

/** @param {number} shown @param {number} matching */
const shownOf = (shown, matching) =>
  shown < matching ? `${shown} of ${counted(matching, 'chat')}` : counted(matching, 'chat');
