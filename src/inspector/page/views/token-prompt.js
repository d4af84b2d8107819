import { useRef } from 'preact/hooks';
import { token } from '../api.js';
import { html } from '../html.js';

/** @param {{ wrong: boolean, onToken: () => void }} props `wrong`: there is one, and it was refused */
export function TokenPrompt({ wrong, onToken }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const value = input.current?.value.trim() ?? '';
    if (value === '') return;
    token.set(value);
    onToken();
  };
  return html`<form class="card prompt" onSubmit=${submit}>
    <h1>Token</h1>
    <p>This Dragoman is guarded by a token: <code>http.token</code> of its configuration.</p>
    ${wrong && html`<p class="problem" role="alert">That token was refused. Try again.</p>`}
    <label for="token">Token</label>
    <input id="token" ref=${input} type="password" autocomplete="current-password" required autofocus />
    <button class="primary" type="submit">Open</button>
    <p class="note">It is kept in this tab until the tab is closed.</p>
  </form>`;
}
