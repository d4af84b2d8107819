import { useEffect, useRef } from 'preact/hooks';
import { api } from '../api.js';
import { age, clockTime, dayAndTime, duration } from '../format.js';
import { html } from '../html.js';
import { usePolled } from '../use-polled.js';

/** @typedef {import('../api.js').JourneyView} JourneyView */
/** @typedef {JourneyView['stops'][number]['step']} Step */

/** @type {Record<Step, { done: string, next: string, tells: string }>} */
const STEPS = {
  sent: { done: 'Sent', next: 'To be sent', tells: 'by the sender’s clock' },
  received: {
    done: 'Received',
    next: 'To be received',
    tells: 'on the gateway’s disk, before WhatsApp got its receipt',
  },
  journalled: {
    done: 'Journalled',
    next: 'To be journalled',
    tells: 'durable in its place in the chat’s queue',
  },
  staged: { done: 'Staged', next: 'To be staged', tells: 'its file is downloaded and verified' },
  claimed: { done: 'Claimed', next: 'To be claimed', tells: 'a worker took it' },
  worded: { done: 'Worded', next: 'To be worded', tells: 'its words are durable on its job' },
  ready: { done: 'Ready', next: 'To be settled', tells: 'the words stand in its place' },
  ingested: { done: 'Ingested', next: 'To be ingested', tells: 'in the history' },
};

/** @param {{ address: import('../api.js').ChatAddress, id: number, now: number }} props */
export function Journey({ address, id, now }) {
  const { data, problem } = usePolled(() => api.journey(address, id), [id]);
  const section = useRef(/** @type {HTMLElement | null} */ (null));
  // Where there is no room beside the list, it stands above it.
  useEffect(() => section.current?.scrollIntoView({ block: 'nearest' }), [data === null]);
  return html`<section class="card journey" ref=${section} aria-labelledby="journey-title">
    <div class="card-head">
      <h2 id="journey-title">Journey of message ${id}</h2>
      ${data !== null && html`<p class="total">${data.next === null ? duration(data.tookMs) : 'under way'}</p>`}
    </div>
    ${problem !== null && html`<p class="problem" role="alert">${problem.message}</p>`}
    ${data !== null && html`<${Stops} journey=${data} now=${now} />`}
  </section>`;
}

/** @param {{ journey: JourneyView, now: number }} props */
function Stops({ journey, now }) {
  const { stops, next, message, job } = journey;
  const longest = Math.max(1, ...stops.filter(isOurs).map(({ tookMs }) => tookMs ?? 0));
  const last = stops.at(-1);
  return html`
    <blockquote class="journey-text">
      ${message.content || (message.mediaProcessingId === null ? '(empty)' : 'no words yet')}
    </blockquote>
    <ol class="stops">
      ${stops.map(
        (stop) =>
          html`<li key=${stop.step}>
            <span class="stop-name">${STEPS[stop.step].done}</span>
            <span class="stop-took">${stop.tookMs === null ? '' : `+ ${duration(stop.tookMs)}`}</span>
            <span class="stop-note note">${STEPS[stop.step].tells}</span>
            <time class="note" title=${dayAndTime(stop.at)}>${clockTime(stop.at)}</time>
            ${isOurs(stop) && html`<span class="stop-bar" aria-hidden="true"><span style=${{ width: `${(100 * (stop.tookMs ?? 0)) / longest}%` }}></span></span>`}
          </li>`,
      )}
      ${
        next !== null &&
        html`<li class="stop-next" key="next">
          <span class="stop-name">${STEPS[next].next}</span>
          <span class="stop-took">${last === undefined ? '' : `for ${age(now - last.at)}`}</span>
          <span class="stop-note note">${waitsFor(next, job)}</span>
        </li>`
      }
    </ol>
    <dl class="facts">
      <dt>Accepted</dt>
      <dd>${dayAndTime(message.acceptedTime)}</dd>
      ${
        message.mimeType !== null &&
        html`<dt>Medium</dt>
          <dd>${message.mimeType}</dd>`
      }
      ${
        message.originalFilename !== null &&
        html`<dt>File</dt>
          <dd>${message.originalFilename}</dd>`
      }
      ${
        job !== null &&
        html`<dt>Job</dt>
          <dd><code>${job.guid}</code></dd>`
      }
      ${
        message.providerMessageId !== null &&
        html`<dt>Provider id</dt>
          <dd><code>${message.providerMessageId}</code></dd>`
      }
    </dl>
  `;
}

/** How long the sender's phone took is not ours to shorten. @param {JourneyView['stops'][number]} stop */
const isOurs = ({ step, tookMs }) => tookMs !== null && step !== 'received';

/** @param {Step} next @param {JourneyView['job']} job */
function waitsFor(next, job) {
  const pool = job?.pool ?? '';
  if (next === 'staged') return 'the gateway downloads its file';
  if (next === 'worded') return `a worker of the ${pool} pool is at it`;
  if (next !== 'claimed') return STEPS[next].tells;
  const attempt = job !== null && job.attempts > 0 ? `, attempt ${job.attempts + 1}` : '';
  return `a worker of the ${pool} pool is to take it${attempt}`;
}
