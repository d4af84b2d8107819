import { age, bytes, counted, duration, number, rate } from '../format.js';
import { html } from '../html.js';
import { perSecond } from '../live-state.js';
import { Bots } from './bots.js';
import { Charts } from './charts.js';
import { ChatList } from './chat-list.js';
import { Pools } from './pools.js';

/** @typedef {import('../live-state.js').Live} Live */

const CHATS = 6;
/** Of the staging quota: downloads are about to be refused. */
const NEARLY_FULL = 0.9;

/** @param {{ live: Live, now: number }} props */
export function Overview({ live, now }) {
  return html`
    <h1 class="visually-hidden">Overview</h1>
    <${Figures} live=${live} now=${now} />
    <${Bots} bots=${live.bots} />
    <section class="card" aria-labelledby="latest-title">
      <div class="card-head">
        <h2 id="latest-title">Latest chats</h2>
        ${live.matching > 0 && html`<a href="#/chats">${counted(live.matching, 'chat')} since the start</a>`}
      </div>
      <${ChatList} chats=${live.chats.slice(0, CHATS)} now=${now} />
    </section>
    <${Charts} seconds=${live.seconds} startedAt=${live.totals.startedAt} now=${now} />
    <${Pools} pools=${live.pools} now=${now} />
  `;
}

/** @param {{ live: Live, now: number }} props */
function Figures({ live, now }) {
  const { totals, pools, staging, seconds } = live;
  const oldest = totals.oldestPlaceholderTime;
  const backlog = sum(pools, ({ pending, waiting }) => pending + waiting);
  const failed = sum(pools, (pool) => pool.failed);
  return html`<dl class="figures card">
      <${Figure}
        label="Arriving"
        value=${rate(perSecond(seconds, now, 'accepted'))}
        unit="/s"
        note=${`${number(totals.accepted)} since start`}
      />
      <${Figure}
        label="Into history"
        value=${rate(perSecond(seconds, now, 'ingested'))}
        unit="/s"
        note=${`${number(totals.ingested)} since start`}
      />
      <${Figure}
        label="Placeholders"
        value=${number(totals.placeholders)}
        tone=${totals.placeholders > 0 ? 'wait' : null}
        note=${oldest === null ? 'nothing waits for words' : `oldest ${age(now - oldest)}`}
      />
      <${Figure}
        label="Jobs waiting"
        value=${number(backlog)}
        note=${`${number(sum(pools, ({ inProgress }) => inProgress))} in progress`}
      />
      <${Figure}
        label="Failed jobs"
        value=${number(failed)}
        tone=${failed > 0 ? 'bad' : null}
        note=${failed > 0 ? html`<a href="#/jobs/failed">look at them</a>` : 'none'}
      />
      <${Figure} label="Staging" ...${stagingFigure(staging)} />
    </dl>
    <p class="visually-hidden">Up for ${duration(now - totals.startedAt)}.</p>`;
}

/** @param {Live['staging']} staging */
const stagingFigure = ({ bytes: used, files, limitBytes }) => {
  const [value, unit] = bytes(used).split(' ');
  const isNearlyFull = limitBytes > 0 && used > NEARLY_FULL * limitBytes;
  const note = html`${counted(files, 'file')} of ${bytes(limitBytes)}
    <meter
      max="1"
      high=${NEARLY_FULL}
      value=${limitBytes > 0 ? used / limitBytes : 0}
      aria-label="Share of the staging quota in use"
    ></meter>`;
  return { value, unit: ` ${unit}`, note, tone: isNearlyFull ? 'bad' : null };
};

/** @param {{ label: string, value: string, unit?: string, note: unknown, tone?: string | null }} props */
function Figure({ label, value, unit = '', note, tone = null }) {
  return html`<div class="figure" data-tone=${tone}>
    <dt>${label}</dt>
    <dd class="value">${value}<span class="unit">${unit}</span></dd>
    <dd class="note">${note}</dd>
  </div>`;
}

/** @template T @param {readonly T[]} items @param {(item: T) => number} of */
const sum = (items, of) => items.reduce((total, item) => total + of(item), 0);
