import { EventEmitter } from 'node:events';
import { aesEncryptGCM, hkdf, proto, type WASocket } from '@whiskeysockets/baileys';
import { describe, expect, test } from 'vitest';
import type { MediaCipher, MediaReference, ProviderKey } from '../../../../src/gateway/received.ts';
import { requestReupload } from '../../../../src/gateway/whatsapp/reupload.ts';

const MEDIA_KEY = Buffer.alloc(32, 1);
const KEY: ProviderKey = {
  remoteJid: '4915120000002@s.whatsapp.net',
  participant: null,
  id: '3A01',
  fromMe: false,
};
const { ResultType } = proto.MediaRetryNotification;

const media = (cipher: MediaCipher): MediaReference => ({
  kind: 'video',
  cipher,
  mimeType: 'video/mp4',
  fileName: null,
  mediaKey: MEDIA_KEY.toString('base64'),
  directPath: '/v/gone.enc',
  fileSha256: null,
  fileEncSha256: null,
  declaredBytes: null,
});

function answer(id: string, result: number, directPath: string | null) {
  const retryKey = hkdf(MEDIA_KEY, 32, { info: 'WhatsApp Media Retry Notification' });
  const iv = Buffer.alloc(12, 2);
  const notification = proto.MediaRetryNotification.encode({ stanzaId: id, directPath, result }).finish();
  const ciphertext = aesEncryptGCM(notification, Buffer.from(retryKey), iv, Buffer.from(id));
  return { key: { id, remoteJid: KEY.remoteJid }, media: { ciphertext, iv } };
}

/** As much of Baileys' socket as a request for an upload touches. */
function fakeSocket(send: () => Promise<void> = () => Promise.resolve()) {
  const ev = new EventEmitter();
  const sent: unknown[] = [];
  const sendNode = (node: unknown): Promise<void> => {
    sent.push(node);
    return send();
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the rest of the socket is not touched
  const socket = { ev, sendNode, user: { id: '4915110000001:1@s.whatsapp.net' } } as unknown as WASocket;
  const phoneSays = (...updates: unknown[]): boolean => ev.emit('messages.media-update', updates);
  return { socket, sent, phoneSays, listeners: () => ev.listenerCount('messages.media-update') };
}

const never = new AbortController().signal;

describe('requestReupload', () => {
  test.each(['video', 'ptv', 'image'] as const)(
    'the phone names a new path for a medium of %s',
    async (cipher) => {
      const { socket, sent, phoneSays, listeners } = fakeSocket();
      const path = requestReupload(socket, KEY, media(cipher), never);
      phoneSays(answer('another', ResultType.SUCCESS, '/v/other.enc'));
      phoneSays(answer(KEY.id, ResultType.SUCCESS, '/v/new.enc'));
      expect(await path).toBe('/v/new.enc');
      expect(sent).toMatchObject([{ tag: 'receipt', attrs: { id: KEY.id, type: 'server-error' } }]);
      expect(listeners()).toBe(0);
    },
  );

  test.each([
    ['has it no more', answer(KEY.id, ResultType.NOT_FOUND, null)],
    ['refuses', { key: { id: KEY.id }, error: new Error('refused') }],
  ])('a phone that %s is the end of it', async (_name, update) => {
    const { socket, phoneSays, listeners } = fakeSocket();
    const path = requestReupload(socket, KEY, media('image'), never);
    phoneSays(update);
    await expect(path).rejects.toMatchObject({ code: 'not_found' });
    expect(listeners()).toBe(0);
  });

  test('a phone that is off is waited for until the signal, with no listener left', async () => {
    const { socket, listeners } = fakeSocket();
    const deadline = new AbortController();
    const path = requestReupload(socket, KEY, media('image'), deadline.signal);
    expect(listeners()).toBe(1);
    deadline.abort(new Error('too late'));
    await expect(path).rejects.toThrow('too late');
    expect(listeners()).toBe(0);
  });

  test('a request that does not get out leaves no listener either', async () => {
    const { socket, listeners } = fakeSocket(() => Promise.reject(new Error('Connection Closed')));
    await expect(requestReupload(socket, KEY, media('image'), never)).rejects.toMatchObject({
      code: 'link_closed',
    });
    expect(listeners()).toBe(0);
  });
});
