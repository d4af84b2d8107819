import { useEffect, useRef, useState } from 'preact/hooks';
import { counted, number } from '../format.js';
import { html } from '../html.js';
import { inHeldOrder } from '../live-state.js';
import { botHash } from '../route.js';
import { ChatList } from './chat-list.js';
import { Legend } from './queue-line.js';

/** @typedef {import('../live-state.js').LiveChat} LiveChat */

const PAGE = 50;
const TYPING_MS = 200;

/** @param {{ live: import('../live-state.js').Live, link: import('../live-link.js').LiveLink, now: number }} props */
export function Chats({ live, link, now }) {
  const [search, setSearch] = useState('');
  const [botId, setBotId] = useState('');
  const [offset, setOffset] = useState(0);
  const [held, setHeld] = useState(/** @type {readonly LiveChat[] | null} */ (null));

  useEffect(() => {
    const view = { ...(search && { search }), ...(botId && { botId }), offset, limit: PAGE };
    const timer = setTimeout(() => link.watch(view), TYPING_MS);
    return () => clearTimeout(timer);
  }, [search, botId, offset]);
  useEffect(() => () => link.watch({}), []);

  const chats = held === null ? live.chats : inHeldOrder(live.chats, held);
  const shown = useRef(chats);
  shown.current = chats;
  const hold = () => setHeld((before) => before ?? shown.current);
  const release = () => setHeld(null);
  const turnTo = (/** @type {number} */ wanted) => {
    release();
    setOffset(Math.max(wanted, 0));
  };
  const ofOneBot = botId || (live.bots.length === 1 ? live.bots[0]?.botId : undefined);
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
          onInput=${(/** @type {any} */ event) => {
            turnTo(0);
            setSearch(event.currentTarget.value.trim());
          }}
        />
      </label>
      <label>
        <span>Bot</span>
        <select
          value=${botId}
          onChange=${(/** @type {any} */ event) => {
            turnTo(0);
            setBotId(event.currentTarget.value);
          }}
        >
          <option value="">All bots</option>
          ${live.bots.map((bot) => html`<option key=${bot.botId} value=${bot.botId}>${bot.botId}</option>`)}
        </select>
      </label>
    </form>
    <p class="note">
      Chats with news since Dragoman started.${' '}
      ${
        ofOneBot === undefined
          ? 'All others are with their bot, on the overview.'
          : html`<a href=${botHash(ofOneBot)}>All chats of ${ofOneBot}</a>`
      }
    </p>
    <section class="card" aria-label="Chats, the latest first">
      <div class="card-head">
        <p class="note">
          ${shownOf(offset, live.chats.length, live.matching)} ·
          ${held === null ? ' latest first' : ' order held while you look'}
        </p>
        <${Legend} />
      </div>
      <div onPointerEnter=${hold} onPointerLeave=${release} onFocusIn=${hold} onFocusOut=${release}>
        <${ChatList} chats=${chats} now=${now} empty=${search || botId ? html`<${NoMatch} />` : undefined} />
      </div>
      ${
        live.matching > PAGE &&
        html`<nav class="more" aria-label="Pages of chats">
          <button type="button" disabled=${offset === 0} onClick=${() => turnTo(offset - PAGE)}>Later</button>
          <button
            type="button"
            disabled=${offset + PAGE >= live.matching}
            onClick=${() => turnTo(offset + PAGE)}
          >
            Earlier
          </button>
        </nav>`
      }
    </section>
  `;
}

const NoMatch = () =>
  html`<div class="empty">
    <p>No chat matches.</p>
    <p>Search for a part of a name, or look at all bots.</p>
  </div>`;

/** @param {number} offset @param {number} shown @param {number} matching */
function shownOf(offset, shown, matching) {
  if (matching <= PAGE) return counted(matching, 'chat');
  return `${number(offset + 1)}–${number(offset + shown)} of ${counted(matching, 'chat')}`;
}
