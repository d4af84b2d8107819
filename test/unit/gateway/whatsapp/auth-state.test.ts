import { initAuthCreds } from '@whiskeysockets/baileys';
import { describe, expect, test } from 'vitest';
import { AuthState } from '../../../../src/gateway/whatsapp/auth-state.ts';
import { MemorySessionStorage } from '../../../support/memory-session-storage.ts';

const BOT = 'bot';

function fresh() {
  const storage = new MemorySessionStorage();
  const failures: unknown[] = [];
  const auth = new AuthState(BOT, storage, (error) => failures.push(error));
  return { storage, failures, auth, reopened: () => new AuthState(BOT, storage, () => {}) };
}

const paired = () => ({ ...initAuthCreds(), account: { details: Buffer.from('details') } });

describe('AuthState', () => {
  test('credentials of a paired account come back, keys as bytes', async () => {
    const { auth, reopened } = fresh();
    const creds = paired();
    await auth.saveCreds(creds);
    expect(await reopened().loadCreds()).toMatchObject({
      registrationId: creds.registrationId,
      noiseKey: { private: Buffer.from(creds.noiseKey.private) },
      account: { details: Buffer.from('details') },
    });
  });

  test('without credentials, or with those of a pairing that was not finished, the account is new', async () => {
    const { auth, reopened } = fresh();
    const first = await auth.loadCreds();
    await auth.saveCreds({ ...first, me: { id: '4915110000001@s.whatsapp.net', name: '~' } });
    const second = await reopened().loadCreds();
    expect(second.me).toBeUndefined();
    expect(second.registrationId).not.toBeNaN();
  });

  test('A1: one `set` is one commit: values are put, nulls deleted', async () => {
    const { auth, storage } = fresh();
    await auth.keys.set({ session: { 'alice.0': Buffer.from('s') }, 'pre-key': { 7: null } });
    expect(storage.commits).toEqual([
      {
        auth: { puts: [['session:alice.0', expect.any(String)]], deletes: ['pre-key:7'] },
        received: [],
      },
    ]);
  });

  test('values come back as they went in, and those that are not there are left out', async () => {
    const { auth, reopened } = fresh();
    const preKey = { public: Buffer.alloc(32, 1), private: Buffer.alloc(32, 2) };
    await auth.keys.set({
      'pre-key': { 7: preKey },
      'device-list': { alice: ['0', '3'] },
      'app-state-sync-key': { key: { keyData: Buffer.alloc(32, 3) } },
    });
    const { keys } = reopened();
    expect(await keys.get('pre-key', ['7', '8'])).toEqual({ 7: preKey });
    expect(await keys.get('device-list', ['alice'])).toEqual({ alice: ['0', '3'] });
    const { key } = await keys.get('app-state-sync-key', ['key']);
    expect(key?.keyData).toEqual(Buffer.alloc(32, 3));
  });

  test('A2: a read error is no new account', async () => {
    const { auth, storage, failures } = fresh();
    storage.failReads(new Error('the disk is gone'));
    await expect(auth.loadCreds()).rejects.toThrow('the disk is gone');
    expect(failures).toHaveLength(1);
  });

  test('A2: credentials that are damaged are a read error, which shows nothing of them', async () => {
    const { auth, storage } = fresh();
    storage.auth(BOT).set('creds', '{"noiseKey":"secret');
    await expect(auth.loadCreds()).rejects.toThrow('expected JSON as the value of a creds');
  });

  test('A3: commits are in call order', async () => {
    const { auth, storage } = fresh();
    await Promise.all([1, 2, 3].map(async (id) => auth.keys.set({ 'lid-mapping': { [id]: `${id}` } })));
    expect(storage.commits.map((commit) => commit.auth.puts[0]?.[0])).toEqual([
      'lid-mapping:1',
      'lid-mapping:2',
      'lid-mapping:3',
    ]);
  });

  test('A4: the failure is told before the caller learns of it, and nothing is read or written after it', async () => {
    const { storage, auth, failures } = fresh();
    storage.failReads(new Error('the disk is gone'));
    const failuresWhenTold = await Promise.resolve(auth.keys.get('session', ['alice.0'])).catch(
      () => failures.length,
    );
    expect(failuresWhenTold).toBe(1);
    storage.failReads(null);
    await expect(auth.keys.get('session', ['alice.0'])).rejects.toThrow('has ended');
    await expect(auth.saveCreds(paired())).rejects.toThrow('has ended');
    expect(storage.commits).toEqual([]);
  });

  test('A5: closing waits for the commit in hand and drops those behind it', async () => {
    const { storage, auth } = fresh();
    const inHand = auth.saveCreds(paired());
    await Promise.resolve();
    const behind = Promise.resolve(auth.keys.set({ 'lid-mapping': { 1: '1' } }));
    await auth.close();
    await inHand;
    await expect(behind).rejects.toThrow('has ended');
    expect(storage.commits).toHaveLength(1);
  });
});
