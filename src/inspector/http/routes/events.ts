import type { LiveFeed } from '../../live/live-feed.ts';
import type { Routes } from '../server.ts';

const PING_EVERY_MS = 30_000;

/** `WebSocket /api/v1/events`: the live feed of the page. */
export const eventRoutes =
  (feed: LiveFeed): Routes =>
  (router) => {
    router.get('/api/v1/events', { websocket: true, schema: { hide: true } }, (socket) => {
      const subscription = feed.subscribe({
        get bufferedBytes() {
          return socket.bufferedAmount;
        },
        send: (text) => socket.send(text),
        close: (code, reason) => socket.close(code, reason),
      });
      let heard = true;
      const ping = setInterval(() => {
        if (!heard) return socket.terminate();
        heard = false;
        socket.ping();
      }, PING_EVERY_MS);
      socket.on('pong', () => (heard = true));
      socket.on('message', (data) => subscription.receive(Buffer.isBuffer(data) ? data.toString() : ''));
      // What ended it is told by its close.
      socket.on('error', () => {});
      socket.on('close', () => {
        clearInterval(ping);
        subscription.end();
      });
    });
  };
