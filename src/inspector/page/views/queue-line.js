import { age, counted } from '../format.js';
import { html } from '../html.js';

/** @typedef {import('../../live/contract.ts').PlaceView} Place */
/** @typedef {import('../live-state.js').LiveChat} LiveChat */

/** @type {Record<string, string>} */
const KINDS = { image: 'picture', video: 'video', audio: 'voice', document: 'document', sticker: 'sticker' };

/** @param {string} kind */
export const kindName = (kind) => KINDS[kind] ?? kind;

/** @param {{ chat: LiveChat, now: number }} props */
export function QueueLine({ chat, now }) {
  return html`<ol class="line" aria-label=${summary(chat)}>
    ${chat.places.map((place) => html`<${PlaceMark} key=${place.id} place=${place} now=${now} />`)}
  </ol>`;
}

/** @param {LiveChat} chat */
function summary({ ready, placeholders, places }) {
  const waiting = [
    placeholders > 0 && counted(placeholders, 'placeholder'),
    ready > 0 && `${ready} ready`,
  ].filter(Boolean);
  return waiting.length === 0
    ? `Queue: empty, last ${counted(places.length, 'message')} shown`
    : `Queue: ${waiting.join(', ')}`;
}

/** @param {{ place: Place, now: number }} props */
function PlaceMark({ place, now }) {
  const state = place.state === 'ingested' && place.failed ? 'failed' : place.state;
  const title = `${place.id} · ${told(place, now)}`;
  return html`<li class="place" data-state=${state} data-media=${place.kind !== 'text'} title=${title}>
    ${
      place.state === 'placeholder'
        ? html`${kindName(place.kind)} <b>${age(now - place.acceptedTime)}</b>`
        : html`<span class="visually-hidden">${told(place, now)}</span>`
    }
  </li>`;
}

/** @param {Place} place @param {number} now */
function told(place, now) {
  switch (place.state) {
    case 'placeholder':
      return `${kindName(place.kind)}, waits for words for ${age(now - place.acceptedTime)}`;
    case 'ready':
      return `ready: ${place.preview}`;
    case 'ingested':
      return place.preview;
    case 'evicted':
      return 'evicted';
  }
}

/** What the marks mean. */
export const Legend = () =>
  html`<ul class="legend" aria-label="Legend">
    <li><span class="place" data-state="ingested"></span>in the history</li>
    <li><span class="place" data-state="ready"></span>ready</li>
    <li>
      <span class="place" data-state="placeholder">voice <b>4 s</b></span
      >placeholder and its age
    </li>
    <li><span class="place" data-state="failed"></span>no words could be made</li>
    <li><span class="place" data-state="evicted"></span>evicted</li>
  </ul>`;
