import { render } from 'preact';
import { App } from './views/app.js';
import { html } from './html.js';
import { LiveLink } from './live-link.js';
import { withFrame } from './live-state.js';
import { routeOf } from './route.js';
import { applyTheme } from './theme.js';

/**
 * Joins the parts: what the server tells becomes a state, and the state is drawn at most once per frame of the screen.
 */

const CLOCK_MS = 1_000;
const root = document.body.appendChild(document.createElement('div'));

/** @type {import('./live-state.js').Live | null} */
let live = null;
/** @type {import('./live-link.js').LinkState} */
let linkState = { kind: 'connecting' };
let route = routeOf(location.hash);
let isDue = false;

function draw() {
  isDue = false;
  const now = Date.now() + (live?.skewMs ?? 0);
  render(html`<${App} live=${live} link=${link} linkState=${linkState} route=${route} now=${now} />`, root);
}

function drawSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

const link = new LiveLink({
  frame(frame) {
    live = withFrame(live, frame, Date.now());
    drawSoon();
  },
  state(state) {
    linkState = state;
    drawSoon();
  },
});

addEventListener('hashchange', () => {
  route = routeOf(location.hash);
  drawSoon();
});
// Ages grow even when nothing happens.
setInterval(drawSoon, CLOCK_MS);

applyTheme();
draw();
link.connect();
