import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { BotChats } from './bot-chats.js';
import { Chat } from './chat.js';
import { Chats } from './chats.js';
import { Header } from './header.js';
import { Jobs } from './jobs.js';
import { Overview } from './overview.js';
import { TokenPrompt } from './token-prompt.js';

/**
 * @typedef {import('../live-state.js').Live} Live
 * @typedef {import('../route.js').Route} Route
 * @typedef {{ live: Live | null, link: import('../live-link.js').LiveLink, linkState: import('../live-link.js').LinkState,
 *   route: Route, now: number }} AppProps `now`: by the server's clock
 */

/** @param {AppProps} props */
export function App({ live, link, linkState, route, now }) {
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const isFirst = useRef(true);
  const name = nameOf(route);
  useEffect(() => {
    document.title = `${TITLES[route.page]} · Dragoman`;
    if (isFirst.current) isFirst.current = false;
    else {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }, [name]);
  return html`
    <a
      class="skip"
      href="#main"
      onClick=${(/** @type {Event} */ event) => {
        event.preventDefault();
        main.current?.focus();
      }}
      >Skip to content</a
    >
    <${Header} linkState=${linkState} route=${route} />
    <main ref=${main} tabindex="-1" id="main">
      ${
        linkState.kind === 'token needed'
          ? html`<${TokenPrompt} wrong=${linkState.wrong} onToken=${() => link.connect()} />`
          : live === null
            ? html`<p class="waiting" role="status">Waiting for the first word from Dragoman …</p>`
            : html`<${Page} live=${live} link=${link} route=${route} now=${now} />`
      }
    </main>
  `;
}

const TITLES = {
  overview: 'Overview',
  chats: 'Chats',
  bot: 'Chats of a bot',
  chat: 'Chat',
  jobs: 'Jobs',
  unknown: 'Not found',
};

/** What tells one page from another. @param {Route} route */
function nameOf(route) {
  if (route.page === 'bot') return `bot ${route.botId}`;
  return route.page === 'chat' ? `chat ${route.botId} ${route.identifier}` : route.page;
}

/** @param {{ live: Live, link: AppProps['link'], route: Route, now: number }} props */
function Page({ live, link, route, now }) {
  switch (route.page) {
    case 'overview':
      return html`<${Overview} live=${live} now=${now} />`;
    case 'chats':
      return html`<${Chats} live=${live} link=${link} now=${now} />`;
    case 'bot':
      return html`<${BotChats} key=${route.botId} botId=${route.botId} />`;
    case 'chat':
      return html`<${Chat}
        key=${`${route.botId} ${route.identifier}`}
        live=${live}
        route=${route}
        now=${now}
      />`;
    case 'jobs':
      return html`<${Jobs} key=${route.collection} live=${live} collection=${route.collection} now=${now} />`;
    case 'unknown':
      return html`<div class="empty">
        <h1>There is nothing here</h1>
        <p>This address names no page. <a href="#/">Go to the overview</a></p>
      </div>`;
  }
}
