import { token } from './api.js';

/**
 * @typedef {{ kind: 'connecting' } | { kind: 'live' } | { kind: 'down', retryAt: number } | { kind: 'token needed', wrong: boolean }} LinkState
 * @typedef {import('../live/contract.ts').SnapshotFrame | import('../live/contract.ts').UpdateFrame} Frame
 */

const PROTOCOL = 'dragoman.v1';
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
/** The server says something about twice a second; a link that is silent for so long is dead. */
const SILENCE_MS = 20_000;

/**
 * The link to the live feed.
 *   L1 There is one socket at most. What a former one still says is not heard.
 *   L2 A link that ends or is silent is dialled again, later and later, with jitter; at once when the tab is looked at
 *      again or the machine is back on the network.
 *   L3 A link that was refused is told apart from one that is down by asking for what needs the token.
 */
export class LiveLink {
  #listener;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #failures = 0;
  /** @type {object} */
  #view = {};
  /** @type {LinkState} */
  #state = { kind: 'connecting' };

  /** @param {{ frame(frame: Frame): void, state(state: LinkState): void }} listener */
  constructor(listener) {
    this.#listener = listener;
    addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#hurry();
    });
  }

  /** Dials, whatever went before. */
  connect() {
    clearTimeout(this.#timer);
    this.#leave();
    this.#show({ kind: 'connecting' });
    const own = token.get();
    const protocols = own === null ? [PROTOCOL] : [PROTOCOL, `bearer.${base64url(own)}`];
    const address = new URL('/api/v1/events', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(address, protocols);
    this.#socket = socket;
    socket.addEventListener('open', () => this.#send());
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket) this.#heard(data);
    });
    socket.addEventListener('close', () => {
      if (socket === this.#socket) void this.#ended();
    });
    this.#listenForSilence();
  }

  /**
   * What to see; the answer is a snapshot.
   *
   * @param {Partial<import('../live/contract.ts').LiveView>} view
   */
  watch(view) {
    this.#view = view;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send();
  }

  #send() {
    this.#socket?.send(JSON.stringify({ type: 'view', ...this.#view }));
  }

  /** @param {string} data */
  #heard(data) {
    this.#failures = 0;
    this.#show({ kind: 'live' });
    this.#listenForSilence();
    this.#listener.frame(JSON.parse(data));
  }

  #listenForSilence() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ended(), SILENCE_MS);
  }

  async #ended() {
    clearTimeout(this.#timer);
    this.#leave();
    const delay =
      Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    this.#show({ kind: 'down', retryAt: Date.now() + delay });
    this.#timer = setTimeout(() => this.connect(), delay);
    if (await isRefused()) {
      clearTimeout(this.#timer);
      this.#show({ kind: 'token needed', wrong: token.get() !== null });
    }
  }

  #hurry() {
    if (this.#state.kind === 'down') this.connect();
  }

  #leave() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** @param {LinkState} state */
  #show(state) {
    if (state.kind === this.#state.kind && state.kind !== 'down' && state.kind !== 'token needed') return;
    this.#state = state;
    this.#listener.state(state);
  }
}

/** A browser does not say why a WebSocket was refused. */
async function isRefused() {
  const own = token.get();
  try {
    const headers = own === null ? undefined : { authorization: `Bearer ${own}` };
    const { status } = await fetch('/api/v1/bots', {
      ...(headers && { headers }),
      signal: AbortSignal.timeout(5_000),
    });
    return status === 401;
  } catch {
    return false;
  }
}

/** @param {string} text */
const base64url = (text) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
