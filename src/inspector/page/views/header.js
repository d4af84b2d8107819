import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { chooseTheme, chosenTheme, THEMES } from '../theme.js';

/** @type {readonly { page: import('../route.js').Route['page'], href: string, text: string }[]} */
const PAGES = [
  { page: 'overview', href: '#/', text: 'Overview' },
  { page: 'chats', href: '#/chats', text: 'Chats' },
  { page: 'jobs', href: '#/jobs', text: 'Jobs' },
];

/** @param {{ linkState: import('../live-link.js').LinkState, route: import('../route.js').Route }} props */
export function Header({ linkState, route }) {
  const current = route.page === 'chat' || route.page === 'bot' ? 'chats' : route.page;
  return html`<header class="top">
    <div class="top-inner">
      <a class="brand" href="#/" aria-label="Dragoman, overview">
        <img src="/page/icon.svg" alt="" width="24" height="24" />
        <span>Dragoman</span>
      </a>
      <nav aria-label="Pages">
        ${PAGES.map(
          ({ page, href, text }) =>
            html`<a key=${page} href=${href} aria-current=${page === current ? 'page' : null}>${text}</a>`,
        )}
      </nav>
      <${LinkPill} state=${linkState} />
      <${ThemeButton} />
    </div>
  </header>`;
}

/** @param {{ state: import('../live-link.js').LinkState }} props */
function LinkPill({ state }) {
  const [tone, text] = said(state);
  return html`<p class="link-pill" data-tone=${tone} role="status">
    <span class="dot" aria-hidden="true"></span>${text}
  </p>`;
}

/** @param {import('../live-link.js').LinkState} state @returns {[string, string]} */
function said(state) {
  switch (state.kind) {
    case 'connecting':
      return ['wait', 'Connecting'];
    case 'live':
      return ['good', 'Live'];
    case 'down':
      return ['bad', 'Link down, reconnecting'];
    case 'token needed':
      return ['wait', 'Token needed'];
  }
}

const THEME_TEXT = { system: 'Auto', light: 'Light', dark: 'Dark' };

function ThemeButton() {
  const [theme, setTheme] = useState(chosenTheme());
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  const choose = () => {
    chooseTheme(next);
    setTheme(next);
  };
  return html`<button
    class="quiet theme"
    type="button"
    onClick=${choose}
    title=${`Colours: ${THEME_TEXT[theme]}. Next: ${THEME_TEXT[next]}`}
  >
    <span class="visually-hidden">Colours: </span>${THEME_TEXT[theme]}
  </button>`;
}
