import { useMemo } from 'preact/hooks';
import { encode } from 'uqr';
import { html } from '../html.js';

/** Scanners want so many empty modules around. */
const QUIET_ZONE = 4;

/** @param {{ text: string, label: string }} props */
export function QrCode({ text, label }) {
  const { size, path } = useMemo(() => drawn(text), [text]);
  return html`<svg
    class="qr"
    role="img"
    aria-label=${label}
    viewBox=${`0 0 ${size} ${size}`}
    shape-rendering="crispEdges"
  >
    <rect width=${size} height=${size} fill="#fff" />
    <path d=${path} fill="#000" />
  </svg>`;
}

/** @param {string} text */
function drawn(text) {
  const { data } = encode(text, { ecc: 'L', border: 0 });
  const path = data
    .flatMap((row, y) =>
      row.flatMap((isDark, x) => (isDark ? [`M${x + QUIET_ZONE} ${y + QUIET_ZONE}h1v1h-1z`] : [])),
    )
    .join('');
  return { size: data.length + 2 * QUIET_ZONE, path };
}
