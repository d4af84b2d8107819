import { html } from '../html.js';

/**
 * Under a list that comes in pages; nothing where there is one page.
 * @param {{ after: string | null, next: string | null, onTurn: (after: string | null) => void }} props
 *   `after`: where the page that is shown begins, null for the first; `next`: where the one behind it does, null at the end.
 */
export function PageTurner({ after, next, onTurn }) {
  if (after === null && next === null) return null;
  return html`<div class="more">
    ${after !== null && html`<button type="button" onClick=${() => onTurn(null)}>Back to the first</button>`}
    ${next !== null && html`<button type="button" onClick=${() => onTurn(next)}>Next page</button>`}
  </div>`;
}
