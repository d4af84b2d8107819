import { html } from '../html.js';
import { botHash } from '../route.js';
import { QrCode } from './qr-code.js';

/** @typedef {import('../live-state.js').Live['bots'][number]} Bot */

/** @type {Record<Bot['state'], [tone: string, text: string]>} */
const STATES = {
  open: ['good', 'Connected'],
  connecting: ['wait', 'Connecting'],
  pairing: ['wait', 'To be linked'],
  closed: ['bad', 'Not connected'],
  logged_out: ['bad', 'Logged out'],
  stopped: ['idle', 'Stopped'],
};

/** @param {{ bots: readonly Bot[] }} props */
export function Bots({ bots }) {
  return html`<section aria-labelledby="bots-title">
    <h2 id="bots-title" class="section-title">Bots</h2>
    ${
      bots.length === 0
        ? html`<div class="card empty">
            <p>No bot yet.</p>
            <p>
              Add one with <code>dragoman bots add support</code>, or under <code>bots</code> in the
              configuration.
            </p>
          </div>`
        : html`<div class="bots" data-linking=${bots.some(isLinking)}>
            <ul class="card bot-list">
              ${bots.map((bot) => html`<${BotRow} key=${bot.botId} bot=${bot} />`)}
            </ul>
            ${
              bots.some(isLinking) &&
              html`<ul class="linking">
                ${bots.filter(isLinking).map((bot) => html`<${LinkPhone} key=${bot.botId} bot=${bot} />`)}
              </ul>`
            }
          </div>`
    }
  </section>`;
}

/** @param {{ bot: Bot }} props */
function BotRow({ bot }) {
  const [tone, text] = bot.linked ? STATES[bot.state] : ['bad', 'Gateway away'];
  const note = bot.detail === null || isLinking(bot) ? `gateway ${bot.gatewayId}` : bot.detail;
  return html`<li class="bot">
    <h3><a href=${botHash(bot.botId)}>${bot.botId}</a></h3>
    <p class="state" data-tone=${tone}><span class="dot" aria-hidden="true"></span>${text}</p>
    <p class="note">${note}</p>
  </li>`;
}

/** Has a code for a phone. @param {Bot} bot */
const isLinking = (bot) => bot.linked && (bot.qr !== null || pairingCode(bot) !== null);

/** @param {Bot} bot */
const pairingCode = ({ state, detail }) =>
  state === 'pairing' ? (/\b[A-Z0-9]{4}-[A-Z0-9]{4}\b/.exec(detail ?? '')?.[0] ?? null) : null;

/** @param {{ bot: Bot }} props */
function LinkPhone({ bot }) {
  const code = pairingCode(bot);
  return html`<li class="card link-phone">
    ${
      code === null
        ? html`<${QrCode} text=${bot.qr ?? ''} label=${`QR code that links ${bot.botId}`} />`
        : html`<p class="pairing-code"><span class="visually-hidden">Pairing code: </span>${code}</p>`
    }
    <div>
      <h3>Link ${bot.botId}</h3>
      <ol>
        <li>Open WhatsApp on its phone</li>
        <li>
          Settings → Linked devices → Link a device${code === null ? '' : ' → Link with phone number instead'}
        </li>
        <li>${code === null ? 'Point the camera at the code' : 'Type the code'}</li>
      </ol>
    </div>
  </li>`;
}
