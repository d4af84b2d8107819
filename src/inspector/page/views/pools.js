import { age, number, rate } from '../format.js';
import { html } from '../html.js';

/** @typedef {import('../live-state.js').Live['pools'][number]} Pool */

/** @param {{ pools: readonly Pool[] }} props */
export function Pools({ pools }) {
  const most = Math.max(1, ...pools.map(({ pending, waiting }) => pending + waiting));
  return html`<section class="card" aria-labelledby="pools-title">
    <div class="card-head">
      <h2 id="pools-title">Worker pools</h2>
      <a href="#/jobs">Jobs</a>
    </div>
    <div class="table-frame" tabindex="0" role="region" aria-label="Worker pools, table">
      <table class="pools">
        <thead>
          <tr>
            <th scope="col">Pool</th>
            <th scope="col">Workers</th>
            <th scope="col">Backlog</th>
            <th scope="col" class="num">Oldest</th>
            <th scope="col" class="num">Done/min</th>
            <th scope="col">Share of each bot</th>
            <th scope="col" class="num">Held</th>
            <th scope="col" class="num">Failed</th>
          </tr>
        </thead>
        <tbody>
          ${pools.map((pool) => html`<${PoolRow} key=${pool.name} pool=${pool} most=${most} />`)}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** @param {{ pool: Pool, most: number }} props */
function PoolRow({ pool, most }) {
  const backlog = pool.pending + pool.waiting;
  return html`<tr>
    <th scope="row">${pool.name}</th>
    <td>
      <${Workers}
        busy=${Math.min(pool.inProgress, pool.workers)}
        workers=${pool.workers}
        more=${Math.max(pool.inProgress - pool.workers, 0)}
      />
    </td>
    <td>
      <span class="backlog"
        ><span class="bar" aria-hidden="true"
          ><span style=${{ width: `${(100 * backlog) / most}%` }}></span
        ></span>
        <span class="num">${number(backlog)}</span></span
      >
    </td>
    <td class="num">${pool.oldestPendingMs === null ? '–' : age(pool.oldestPendingMs)}</td>
    <td class="num">${rate(pool.donePerMinute)}</td>
    <td><${Shares} pool=${pool} /></td>
    <td class="num">${number(pool.held)}</td>
    <td class="num">${pool.failed === 0 ? '0' : html`<a href="#/jobs/failed">${number(pool.failed)}</a>`}</td>
  </tr>`;
}

/** @param {{ busy: number, workers: number, more: number }} props `more`: in other processes */
function Workers({ busy, workers, more }) {
  const text = `${busy + more} busy, ${workers} here`;
  return html`<span class="workers" role="img" aria-label=${text} title=${text}>
      ${Array.from({ length: workers }, (_, index) => html`<span key=${index} data-busy=${index < busy}></span>`)} </span
    >${more > 0 && html`<span class="note"> +${more}</span>`}`;
}

/** @param {{ pool: Pool }} props */
function Shares({ pool }) {
  const shares = pool.shares ?? [];
  const total = shares.reduce((sum, { served }) => sum + served, 0);
  if (total === 0) return html`<span class="note">idle</span>`;
  const text = shares
    .map(({ botId, served }) => `${botId} ${Math.round((100 * served) / total)} %`)
    .join(', ');
  return html`<span
      class="shares"
      role="img"
      aria-label=${text}
      title=${`Served in the last five minutes: ${text}`}
    >
      ${shares.map(({ botId, served }, index) => html`<span key=${botId} data-series=${index % 6} style=${{ width: `${(100 * served) / total}%` }}></span>`)} </span
    ><span class="note share-text">${text}</span>`;
}
