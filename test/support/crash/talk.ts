import { setTimeout as pause } from 'node:timers/promises';
import type { Content } from '../../../src/simulator/content.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import type { CrashStore } from './crash-store.ts';
import { FORGETTABLE, GROUP, type Line, type Script } from './script.ts';

/** A line that WhatsApp has. */
export interface Said extends Line {
  readonly providerMessageId: string;
  /** The provider's id of the message that it answers. */
  readonly answers: string | null;
}

/** Messages that were sent and are not in the history. */
const MOST_WAITING = 24;

/** Whether a line's content has room for its label. */
export const isLabelled = ({ kind }: Line): boolean => kind !== 'voice' && kind !== 'sticker';

/** People say what a script tells them to, one line after the other: WhatsApp gets them in the script's order. */
export class Talk {
  readonly #simulator: Simulator;
  readonly #script: Script;
  readonly #store: CrashStore;
  readonly #said: Said[] = [];
  #isOver = false;
  /** Those said before may be forgotten, those after may not. */
  #forgottenUpTo = 0;
  #forgettableJid: string | null = null;

  constructor(simulator: Simulator, script: Script, store: CrashStore) {
    this.#simulator = simulator;
    this.#script = script;
    this.#store = store;
    simulator.group(GROUP.name, GROUP.members);
  }

  get said(): readonly Said[] {
    return this.#said;
  }

  /** The identifier of the chat that an operator may forget; null before anything was said in it. */
  get forgettableJid(): string | null {
    return this.#forgettableJid;
  }

  /** That chat was forgotten, or may have been, with what is on its way. */
  forgotten(): void {
    this.#forgottenUpTo = this.#said.length + 1;
  }

  /** Whether a line is to be in the history for certain. */
  mustStay(line: Said): boolean {
    return line.chat !== FORGETTABLE || this.#said.indexOf(line) >= this.#forgottenUpTo;
  }

  stop(): void {
    this.#isOver = true;
  }

  async untilToldToStop(): Promise<void> {
    while (!this.#isOver) {
      const { lines, pauseMs } = this.#script.burst();
      for (const line of lines) await this.#say(line);
      await pause(pauseMs);
      // A process that dies again and again gets little done: what waits must not grow without end.
      while (!this.#isOver && (await this.#waiting()) >= MOST_WAITING) await pause(250);
    }
  }

  async sayFarewell(): Promise<void> {
    for (const line of this.#script.farewell()) await this.#say(line);
  }

  async #waiting(): Promise<number> {
    const { ingested } = await this.#store.look();
    return this.#said.filter((line) => this.mustStay(line) && !ingested.has(line.providerMessageId)).length;
  }

  async #say(line: Line): Promise<void> {
    const { chat, from, quotes } = line;
    const quoted = quotes === null ? null : this.#said.filter((each) => each.chat === chat)[quotes - 1];
    const inGroup = chat === GROUP.name ? { in: chat } : {};
    const sent = await this.#simulator.say(from, contentOf(line, quoted ?? null), inGroup);
    if (chat === FORGETTABLE) this.#forgettableJid = sent.chat;
    const answers = quoted?.providerMessageId ?? null;
    this.#said.push({ ...line, providerMessageId: sent.messageId, answers });
  }
}

function contentOf({ kind, label, bytes, fileName }: Line, quoted: Said | null): Content {
  switch (kind) {
    case 'text':
      return quoted === null ? { text: label } : answer(label, quoted);
    case 'image':
      return { image: bytes, caption: label };
    case 'video':
      return { video: bytes, caption: label };
    case 'document':
      return { document: bytes, caption: label, fileName };
    case 'voice':
      return { voice: bytes };
    case 'sticker':
      return { sticker: bytes };
  }
}

const answer = (text: string, { providerMessageId, label }: Said): Content => ({
  message: {
    extendedTextMessage: {
      text,
      contextInfo: { stanzaId: providerMessageId, quotedMessage: { conversation: label } },
    },
  },
});
