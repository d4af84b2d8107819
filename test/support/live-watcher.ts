import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import {
  LIVE_PROTOCOL,
  type LiveChatView,
  snapshotFrame,
  updateFrame,
} from '../../src/inspector/live/contract.ts';

const frames = z.discriminatedUnion('type', [snapshotFrame, updateFrame]);
type LiveFrame = z.infer<typeof frames>;

/** One who watches the live feed, and puts it together as a page does. */
export class LiveWatcher {
  readonly received: LiveFrame[] = [];
  readonly chats = new Map<string, LiveChatView>();
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
  #changed = Promise.withResolvers<void>();

  constructor(url: string) {
    this.socket = new WebSocket(`${url.replace('http:', 'ws:')}/api/v1/events`, [LIVE_PROTOCOL]);
    this.socket.on('message', (data) => {
      const frame = frames.parse(JSON.parse(Buffer.isBuffer(data) ? data.toString() : ''));
      if (frame.type === 'snapshot') this.chats.clear();
      for (const chat of frame.chats.changed) this.chats.set(chat.chat, chat);
      this.received.push(frame);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    onTestFinished(() => this.socket.terminate());
  }

  get latest(): LiveFrame | undefined {
    return this.received.at(-1);
  }

  /** The chats in view, in their order. */
  get view(): readonly (LiveChatView | undefined)[] {
    return (this.latest?.chats.order ?? []).map((chat) => this.chats.get(chat));
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  async until<T>(found: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = found();
      if (value !== undefined && value !== false) return value;
      await this.#changed.promise;
    }
  }
}
