import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ApiError } from '../api.js';
import { age, bytes, duration } from '../format.js';
import { html } from '../html.js';
import { chatHash } from '../route.js';
import { usePolled } from '../use-polled.js';
import { PageTurner } from './page-turner.js';

/** @typedef {import('../api.js').JobView} Job */
/** @typedef {import('../api.js').JobCollection} JobCollection */

/** @type {readonly { collection: JobCollection, text: string, tells: string, empty: string }[]} */
const COLLECTIONS = [
  {
    collection: 'active',
    text: 'Active',
    tells: 'Media of connected bots that are not words yet',
    empty: 'No job: every medium is words.',
  },
  {
    collection: 'holding',
    text: 'Held',
    tells: 'Media of bots that are not connected; they go on when their bot is back',
    empty: 'No job is held: every bot that has media is connected.',
  },
  {
    collection: 'failed',
    text: 'Failed',
    tells: 'Media that could not become words. Retry makes a new message of one; drop forgets it',
    empty: 'No job has failed. Whatever fails for good is kept here.',
  },
];

/** @param {{ live: import('../live-state.js').Live, collection: JobCollection, now: number }} props */
export function Jobs({ live, collection, now }) {
  const [after, setAfter] = useState(/** @type {string | null} */ (null));
  const [notice, setNotice] = useState(/** @type {{ text: string, isProblem: boolean } | null} */ (null));
  const [asking, setAsking] = useState(/** @type {Job | null} */ (null));
  const { data, problem, again } = usePolled(() => api.jobs(collection, after), [collection, after]);
  const shown = COLLECTIONS.find((each) => each.collection === collection);

  const act = async (/** @type {Job} */ job, /** @type {'retry' | 'drop'} */ what) => {
    setAsking(null);
    try {
      await (what === 'retry' ? api.retryJob(job.guid) : api.dropJob(job.guid));
      setNotice({
        text: `${job.guid} ${what === 'retry' ? 'gets another try' : 'is dropped'}.`,
        isProblem: false,
      });
    } catch (error) {
      setNotice({ text: error instanceof ApiError ? error.message : String(error), isProblem: true });
    }
    again();
  };

  return html`
    <h1>Jobs</h1>
    <nav class="tabs" aria-label="Which jobs">
      ${COLLECTIONS.map(
        (each) =>
          html`<a
            key=${each.collection}
            href=${`#/jobs/${each.collection}`}
            aria-current=${each.collection === collection ? 'page' : null}
          >
            ${each.text} <span class="count">${count(live, each.collection)}</span>
          </a>`,
      )}
    </nav>
    <p class="note">${shown?.tells}.</p>
    <p class=${notice?.isProblem ? 'problem' : 'notice'} role="status">${notice?.text ?? ''}</p>
    ${problem !== null && html`<p class="problem" role="alert">${problem.message}</p>`}
    <section class="card" aria-label=${shown?.text}>
      ${
        data === null
          ? html`<p class="waiting" role="status">Loading …</p>`
          : data.items.length === 0
            ? html`<div class="empty"><p>${shown?.empty}</p></div>`
            : html`<${JobTable}
                jobs=${data.items}
                now=${now}
                titleOf=${(/** @type {Job} */ job) => titleIn(live, job)}
                isFailed=${collection === 'failed'}
                onRetry=${(/** @type {Job} */ job) => void act(job, 'retry')}
                onDrop=${setAsking}
              />`
      }
      ${data !== null && html`<${PageTurner} after=${after} next=${data.next} onTurn=${setAfter} />`}
    </section>
    ${asking !== null && html`<${DropDialog} job=${asking} onDrop=${() => void act(asking, 'drop')} onClose=${() => setAsking(null)} />`}
  `;
}

/** @param {import('../live-state.js').Live} live @param {JobCollection} collection */
function count({ pools }, collection) {
  const of = {
    active: (/** @type {any} */ pool) => pool.pending + pool.waiting + pool.inProgress,
    holding: (/** @type {any} */ pool) => pool.held,
    failed: (/** @type {any} */ pool) => pool.failed,
  };
  return pools.reduce((total, pool) => total + of[collection](pool), 0);
}

/** @param {import('../live-state.js').Live} live @param {Job} job */
function titleIn({ chats }, { correspondent: { botId, correspondentId } }) {
  const chat = chats.find((each) => each.botId === botId && each.correspondentId === correspondentId);
  return chat?.title ?? correspondentId;
}

/** @param {{ jobs: readonly Job[], now: number, titleOf: (job: Job) => string, isFailed: boolean,
 *   onRetry: (job: Job) => void, onDrop: (job: Job) => void }} props */
function JobTable({ jobs, now, titleOf, isFailed, onRetry, onDrop }) {
  return html`<div class="table-frame" tabindex="0" role="region" aria-label="Jobs, table">
    <table class="jobs">
      <thead>
        <tr>
          <th scope="col">Medium</th>
          <th scope="col">Chat</th>
          <th scope="col">${isFailed ? 'Why' : 'State'}</th>
          <th scope="col" class="num">Attempts</th>
          <th scope="col" class="num">Age</th>
          ${isFailed && html`<th scope="col"><span class="visually-hidden">Actions</span></th>`}
        </tr>
      </thead>
      <tbody>
        ${jobs.map(
          (job) =>
            html`<tr key=${job.guid}>
              <td data-label="Medium">
                <span class="mime">${job.mimeType}</span>
                <span class="note guid" title=${job.guid}
                  >${job.guid.slice(0, 8)}${job.media.bytes === null ? '' : ` · ${bytes(job.media.bytes)}`}</span
                >
              </td>
              <td data-label="Chat">
                <a
                  href=${chatHash({ botId: job.correspondent.botId, identifier: job.correspondent.correspondentId }, job.messageId)}
                >
                  ${titleOf(job)}
                </a>
                <span class="note">${job.correspondent.botId} · place ${job.messageId}</span>
              </td>
              <td data-label=${isFailed ? 'Why' : 'State'}>
                <${JobState} job=${job} now=${now} isFailed=${isFailed} />
              </td>
              <td data-label="Attempts" class="num">${job.attempts}</td>
              <td data-label="Age" class="num">${age(now - job.createdAt)}</td>
              ${
                isFailed &&
                html`<td class="actions">
                  <button type="button" onClick=${() => onRetry(job)} aria-label=${`Retry ${job.guid}`}>
                    Retry
                  </button>
                  <button
                    type="button"
                    class="quiet danger"
                    onClick=${() => onDrop(job)}
                    aria-label=${`Drop ${job.guid}`}
                  >
                    Drop
                  </button>
                </td>`
              }
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** @type {Record<Job['status'], [tone: string, text: string]>} */
const STATUSES = {
  downloading: ['wait', 'downloading'],
  pending: ['idle', 'waits for a worker'],
  waiting: ['wait', 'waits to be tried again'],
  processing: ['good', 'in progress'],
  completed: ['good', 'worded'],
};

/** @param {{ job: Job, now: number, isFailed: boolean }} props */
function JobState({ job, now, isFailed }) {
  const reason = job.error === null ? null : html`<span class="note reason">${job.error.reason}</span>`;
  if (isFailed) return html`<span class="tag" data-tone="bad">${job.error?.code ?? 'failed'}</span>${reason}`;
  const [tone, text] = STATUSES[job.status];
  const wait =
    job.status === 'waiting' && job.availableAt !== null && job.availableAt > now
      ? ` in ${duration(job.availableAt - now)}`
      : '';
  return html`<span class="tag" data-tone=${tone}>${text}${wait}</span
    >${job.pool !== null && html`<span class="note">${job.pool}</span>`}${reason}`;
}

/** @param {{ job: Job, onDrop: () => void, onClose: () => void }} props */
function DropDialog({ job, onDrop, onClose }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  return html`<dialog ref=${dialog} onClose=${onClose} aria-labelledby="drop-title">
    <h2 id="drop-title">Drop this failed job?</h2>
    <p>
      The record of <code>${job.guid}</code> (${job.mimeType}) is forgotten, and it cannot be tried again. The
      message that stands in its place stays.
    </p>
    <div class="dialog-actions">
      <button type="button" autofocus onClick=${() => dialog.current?.close()}>Keep it</button>
      <button type="button" class="danger" onClick=${onDrop}>Drop</button>
    </div>
  </dialog>`;
}
