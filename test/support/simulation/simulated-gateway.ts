import type { Timer } from '../../../src/base/clock.ts';
import { FramePump } from '../../../src/gateway/frame-pump.ts';
import { decodeBackendFrame, encodeFrame } from '../../../src/protocol/codec.ts';
import type { BackendFrame, BotState, DurableFrame, GatewayFrameBody } from '../../../src/protocol/frames.ts';
import type { ScriptedMessage } from './scenario.ts';
import type { SeededChoices } from './seeded-choices.ts';
import type { SimulatedFolder } from './simulated-folder.ts';
import type { SimulatedLinks } from './simulated-links.ts';
import type { SimulatedWire } from './simulated-wire.ts';
import type { Trace } from './trace.ts';
import type { VirtualTime } from './virtual-time.ts';

export const SIMULATED_GATEWAY = 'gateway-1';
const PROVIDER = 'simulator';
const PUMP_LIMITS = { maxInFlight: 16, maxBufferedBytes: 1_000_000 };

type Unnumbered<F> = F extends unknown ? Omit<F, 'v' | 'seq'> : never;

export interface SimulatedGatewayOptions {
  readonly time: VirtualTime;
  readonly choices: SeededChoices;
  readonly folder: SimulatedFolder;
  readonly trace: Trace;
  readonly bots: readonly string[];
  /** Where to dial; null while nobody listens. */
  readonly backend: () => SimulatedLinks | null;
  /** The medium that a GUID names. */
  readonly announced: (guid: string, message: ScriptedMessage) => void;
  readonly acked: (frame: DurableFrame) => void;
  /** The backend said something that no gateway should hear. */
  readonly complained: (frame: BackendFrame) => void;
}

interface Download {
  readonly message: ScriptedMessage;
  timer: Timer | null;
}

/**
 * A gateway whose journal is a map: what is in `#frames` and `#downloads` outlives a crash, all else does not. Its frames
 * go through the real codec and the real pump, over real links.
 */
export class SimulatedGateway {
  readonly #options: SimulatedGatewayOptions;
  readonly #frames = new Map<number, DurableFrame>();
  readonly #downloads = new Map<string, Download>();
  readonly #states = new Map<string, BotState>();
  /** What the provider keeps until the gateway is back. */
  readonly #waiting: ScriptedMessage[] = [];
  #wire: SimulatedWire | null = null;
  #pump: FramePump | null = null;
  #lastSeq = 0;
  /** A gateway that crashed is another one; what the old one had on its way is nothing. */
  #epoch = 0;
  #isDown = false;

  constructor(options: SimulatedGatewayOptions) {
    this.#options = options;
    for (const botId of options.bots) this.#states.set(botId, 'open');
  }

  get isIdle(): boolean {
    return this.#frames.size === 0 && this.#downloads.size === 0 && this.#waiting.length === 0;
  }

  start(): void {
    this.#isDown = false;
    for (const [guid, download] of this.#downloads) this.#download(guid, download);
    for (const message of this.#waiting.splice(0)) this.receive(message);
    this.#dial(this.#epoch, 1);
  }

  crash(downMs: number): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#epoch += 1;
    this.#wire?.gatewayDied();
    this.#wire = null;
    for (const { timer } of this.#downloads.values()) timer?.cancel();
    void this.#options.time.after(downMs, () => this.start());
  }

  cut(): void {
    this.#wire?.cut();
  }

  /** A bot's session changes. */
  status(botId: string, state: BotState): void {
    this.#states.set(botId, state);
    this.#tell({ type: 'bot.status', bot_id: botId, state });
  }

  /** A message comes from the provider. A gateway that is down gets it when it is back. */
  receive(message: ScriptedMessage): void {
    if (this.#isDown) return void this.#waiting.push(message);
    const { medium } = message;
    if (medium === null) return this.#append(inboundOf(message));
    const guid = this.#options.choices.guid();
    this.#options.announced(guid, message);
    this.#downloads.set(guid, { message, timer: null });
    if (!medium.announcedLate) this.#append(inboundOf(message, guid, 'downloading'));
    this.#resumeDownload(guid);
  }

  // ── Downloads ──────────────────────────────────────────────────────────────────────────────────────────────────

  #resumeDownload(guid: string): void {
    const download = this.#downloads.get(guid);
    if (download !== undefined) this.#download(guid, download);
  }

  #download(guid: string, download: Download): void {
    const { medium } = download.message;
    if (medium === null) return;
    download.timer = this.#options.time.after(medium.downloadMs, () => {
      if (medium.fate === 'corrupt') return this.#endDownload(guid, null);
      this.#options.folder.files.set(guid, { modifiedAt: this.#options.time.now });
      // The file is there, and nobody has written that down yet.
      download.timer = this.#options.time.after(this.#options.choices.fraction() * 5, () =>
        this.#endDownload(guid, download.message),
      );
    });
  }

  #endDownload(guid: string, staged: ScriptedMessage | null): void {
    if (!this.#downloads.delete(guid)) return;
    if (staged === null) {
      return this.#append({
        type: 'media.corrupt',
        guid,
        media_kind: 'audio',
        quota_exceeded: false,
        reason: 'gone',
      });
    }
    if (staged.medium?.announcedLate === true) return this.#append(inboundOf(staged, guid, 'staged'));
    this.#append({ type: 'media.staged', guid, bytes: 4, sha256: 'a'.repeat(64), mime_type: 'audio/ogg' });
  }

  #released(guid: string): void {
    this.#downloads.get(guid)?.timer?.cancel();
    this.#downloads.delete(guid);
    void this.#options.folder.remove(guid);
  }

  // ── Link ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #append(frame: Unnumbered<DurableFrame>): void {
    this.#lastSeq += 1;
    const numbered: DurableFrame = { ...frame, v: 1, seq: this.#lastSeq };
    this.#frames.set(this.#lastSeq, numbered);
    this.#options.trace.add(`journalled ${this.#lastSeq} ${frame.type}`);
    this.#pump?.pump();
  }

  #dial(epoch: number, delayMs: number): void {
    void this.#options.time.after(delayMs, () => {
      if (epoch !== this.#epoch) return;
      const heard = (text: string): void => this.#hear(epoch, text);
      const closed = (): void => this.#closed(epoch);
      const wire = this.#options.backend()?.dial(SIMULATED_GATEWAY, { message: heard, closed }) ?? null;
      if (wire === null) return this.#dial(epoch, this.#options.choices.between(50, 400));
      this.#wire = wire;
      this.#greet(wire);
    });
  }

  #greet(wire: SimulatedWire): void {
    const { time, bots } = this.#options;
    this.#tell({ type: 'hello', gateway_id: SIMULATED_GATEWAY, bots: [...bots] });
    for (const [botId, state] of this.#states) this.#tell({ type: 'bot.status', bot_id: botId, state });
    const source = { after: (seq: number, limit: number) => this.#after(seq, limit) };
    const sink = { bufferedAmount: 0, send: (text: string): void => wire.say(text) };
    const clock = { now: () => time.now, schedule: (ms: number, task: () => void) => time.after(ms, task) };
    this.#pump = new FramePump(source, sink, PUMP_LIMITS, clock);
    this.#pump.pump();
  }

  #after(seq: number, limit: number): readonly { readonly seq: number; readonly body: string }[] {
    return [...this.#frames.values()]
      .filter((frame) => frame.seq > seq)
      .slice(0, limit)
      .map((frame) => ({ seq: frame.seq, body: encodeFrame(frame) }));
  }

  #closed(epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#wire = null;
    this.#pump = null;
    this.#options.trace.count('link lost');
    this.#dial(epoch, this.#options.choices.between(5, 300));
  }

  #tell(frame: GatewayFrameBody): void {
    this.#wire?.say(encodeFrame(frame));
  }

  #hear(epoch: number, text: string): void {
    if (epoch !== this.#epoch) return;
    const decoded = decodeBackendFrame(text);
    if (decoded.kind === 'malformed')
      throw new Error(`the backend sent a malformed frame: ${decoded.reason}`);
    const { frame } = decoded;
    switch (frame.type) {
      case 'ack':
        return this.#acknowledged(frame.seq);
      case 'media.released':
        return this.#released(frame.guid);
      case 'media.holds':
        return this.#tell({ type: 'media.held', guids: frame.guids.filter((guid) => this.#holds(guid)) });
      case 'nack':
      case 'error':
      case 'bot.stop':
      case 'send':
      case 'letters.list':
      case 'letters.retry':
        return this.#options.complained(frame);
      case 'bot.start':
    }
  }

  #acknowledged(seq: number): void {
    const frame = this.#frames.get(seq);
    if (frame !== undefined) {
      this.#options.trace.add(`acked ${seq}`);
      this.#options.acked(frame);
    }
    this.#frames.delete(seq);
    this.#pump?.answered(seq);
  }

  #holds(guid: string): boolean {
    const isUnacked = [...this.#frames.values()].some((frame) => guidOf(frame) === guid);
    return isUnacked || this.#downloads.has(guid);
  }
}

function guidOf(frame: DurableFrame): string | undefined {
  if (frame.type === 'inbound') return frame.message.media_processing_id;
  return 'guid' in frame ? frame.guid : undefined;
}

/** A scripted message as the gateway announces it. */
function inboundOf(
  { number, botId, chat, content, at }: ScriptedMessage,
  guid?: string,
  state?: 'downloading' | 'staged',
): Unnumbered<Extract<DurableFrame, { type: 'inbound' }>> {
  return {
    type: 'inbound',
    bot_id: botId,
    provider_name: PROVIDER,
    message: {
      provider_message_id: `m-${number}`,
      sender: chat,
      message: content,
      direction: 'incoming',
      source: 'user',
      originating_time: at,
      ...(guid !== undefined &&
        state !== undefined && {
          media_processing_id: guid,
          mime_type: 'audio/ogg',
          media_state: state,
        }),
    },
  };
}
