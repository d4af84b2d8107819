import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { duration, number, rate } from '../format.js';
import { html } from '../html.js';
import { everySecond } from '../live-state.js';
import { colour } from '../theme.js';

/** @typedef {import('../live-state.js').Second} Second */
/** @typedef {import('../live-state.js').ChartRow} ChartRow */

const HEIGHT = 180;

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {'accepted' | 'ingested' | 'textMs' | 'mediaMs'} of
 * @property {string} colour name of a custom property
 * @property {boolean} [filled]
 */

/** @type {readonly Line[]} */
const THROUGHPUT = [
  { label: 'arriving', of: 'accepted', colour: '--series-0', filled: true },
  { label: 'into history', of: 'ingested', colour: '--series-1' },
];
/** @type {readonly Line[]} */
const LATENCY = [
  { label: 'text to history', of: 'textMs', colour: '--series-1' },
  { label: 'medium to words', of: 'mediaMs', colour: '--series-2' },
];

/** @param {{ seconds: readonly Second[], startedAt: number, now: number }} props */
export function Charts({ seconds, startedAt, now }) {
  const rows = everySecond(seconds, now, startedAt);
  return html`<div class="charts">
    <${Chart}
      title="Throughput"
      note="messages per second, mean of five seconds"
      rows=${rows}
      lines=${THROUGHPUT}
      isLog=${false}
      format=${rate}
      tick=${number}
    />
    <${Chart}
      title="Latency"
      note="95 of 100 took no longer"
      rows=${rows}
      lines=${LATENCY}
      isLog=${true}
      format=${duration}
      tick=${power}
    />
  </div>`;
}

/** @param {{ title: string, note: string, rows: readonly ChartRow[], lines: readonly Line[], isLog: boolean, format: (value: number) => string, tick: (value: number) => string }} props */
function Chart({ title, note, rows, lines, isLog, format, tick }) {
  const frame = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {uPlot | null} */ (null));
  const data = dataOf(rows, lines);
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(lines, element.clientWidth, isLog, tick), latest.current, element);
    };
    make();
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resize.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    addEventListener('dragoman:theme', make);
    scheme.addEventListener('change', make);
    return () => {
      resize.disconnect();
      removeEventListener('dragoman:theme', make);
      scheme.removeEventListener('change', make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [rows.at(-1)?.at]);

  const said = lines.map(({ label, of }) => `${label} ${lastOf(rows, of, format)}`).join(', ');
  return html`<section class="card chart">
    <div class="card-head">
      <h2>${title}</h2>
      <ul class="keys">
        ${lines.map(({ label, of, colour: name }) => html`<li key=${of}><span class="key" data-colour=${name} aria-hidden="true"></span>${label} <b>${lastOf(rows, of, format)}</b></li>`)}
      </ul>
    </div>
    <p class="note">${note}</p>
    <div class="plot" ref=${frame} role="img" aria-label=${`${title}, ${note}. Now: ${said}`}></div>
  </section>`;
}

/** @param {readonly ChartRow[]} rows @param {readonly Line[]} lines @returns {uPlot.AlignedData} */
const dataOf = (rows, lines) => [
  rows.map(({ at }) => at / 1_000),
  ...lines.map(({ of }) => rows.map((row) => row[of])),
];

/** The last that there was. @param {readonly ChartRow[]} rows @param {Line['of']} of @param {(value: number) => string} format */
function lastOf(rows, of, format) {
  const value = rows.findLast((row) => row[of] !== null)?.[of] ?? null;
  return value === null ? '–' : format(value);
}

/** @param {readonly Line[]} lines @param {number} width @param {boolean} isLog @param {(value: number) => string} tick @returns {uPlot.Options} */
function optionsOf(lines, width, isLog, tick) {
  const muted = colour('--muted');
  const grid = { stroke: colour('--line'), width: 1, ...(isLog && { filter: wholeMagnitudes }) };
  const axis = { stroke: muted, grid, ticks: { show: false }, font: '12px system-ui, sans-serif' };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: {
      x: { time: true },
      y: isLog
        ? {
            distr: 3,
            range: (_, low, high) => [
              Math.max(1, 10 ** Math.floor(Math.log10(low || 1))),
              10 ** Math.ceil(Math.log10((high || 100) + 1)),
            ],
          }
        : { range: (_, __, high) => [0, Math.max(1, high) * 1.1] },
    },
    axes: [
      { ...axis, grid: { show: false }, values: (_, ticks) => ticks.map(minute), space: 64, size: 30 },
      {
        ...axis,
        size: 64,
        filter: isLog ? wholeMagnitudes : (_, ticks) => ticks,
        values: (_, ticks) => ticks.map((value) => (value === null ? '' : tick(value))),
        space: 36,
        ...(!isLog && { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] }),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: name, filled }) => ({
        label,
        stroke: colour(name),
        width: 1.5,
        points: { show: isLog, size: 4 },
        spanGaps: false,
        ...(filled && { fill: colour('--series-0-fill') }),
      })),
    ],
  };
}

/** A power of ten of milliseconds. @param {number} ms */
const power = (ms) => (ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`);

/** One grid line per power of ten. @param {uPlot} _ @param {readonly number[]} ticks */
const wholeMagnitudes = (_, ticks) =>
  ticks.map((value) => (Number.isInteger(Math.log10(value)) ? value : null));

const MINUTE = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
/** @param {number} seconds */
const minute = (seconds) => MINUTE.format(seconds * 1_000);
