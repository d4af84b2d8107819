import { addTransactionCapability, DEFAULT_CONNECTION_CONFIG, initAuthCreds } from '@whiskeysockets/baileys';
import { beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/log.ts';
import { AuthState } from '../../../../src/gateway/whatsapp/auth-state.ts';
import { baileysLogger } from '../../../../src/gateway/whatsapp/baileys-log.ts';
import type { StanzaAttributes } from '../../../../src/gateway/whatsapp/identity.ts';
import { withOtherAddress } from '../../../../src/gateway/whatsapp/other-address.ts';
import { MemorySessionStorage } from '../../../support/memory-session-storage.ts';

const OWN = '4915110000001@s.whatsapp.net';
const ALICE = '4915120000002@s.whatsapp.net';
const ALICE_LID = '94915120000002@lid';
const GROUP = '120363000000000001@g.us';
const ACCOUNT = { jids: [OWN], policy: { groups: 'all' } } as const;

describe('withOtherAddress', () => {
  const { keys } = new AuthState('bot', new MemorySessionStorage(), () => {});
  const completed = (attributes: StanzaAttributes) => withOtherAddress(attributes, ACCOUNT, keys);

  // As Baileys itself writes it, so that another layout in another version shows.
  beforeAll(async () => {
    const logger = baileysLogger(silentLogger);
    const auth = {
      creds: initAuthCreds(),
      keys: addTransactionCapability(keys, logger, { maxCommitRetries: 1, delayBetweenTriesMs: 0 }),
    };
    const signal = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, logger);
    await signal.lidMapping.storeLIDPNMappings([{ lid: ALICE_LID, pn: ALICE }]);
    signal.close?.();
  });

  test.each([
    ['a sender by LID', { from: ALICE_LID }, { sender_pn: ALICE }],
    ['a sender by phone number', { from: ALICE }, { sender_lid: ALICE_LID }],
    ['a recipient by LID', { from: OWN, recipient: ALICE_LID }, { recipient_pn: ALICE }],
    ['a recipient by phone number', { from: OWN, recipient: ALICE }, { recipient_lid: ALICE_LID }],
    ['a member of a group', { from: GROUP, participant: ALICE_LID }, { participant_pn: ALICE }],
  ])('%s gets the other address that Baileys knows', async (_name, attributes, added) => {
    expect(await completed(attributes)).toEqual({ ...attributes, ...added });
  });

  test.each([
    ['that tells both addresses', { from: ALICE_LID, sender_pn: '4915199999999@s.whatsapp.net' }],
    ['of a stranger', { from: '999@lid' }],
    ['of a group and nobody', { from: GROUP }],
    ['of the account to itself', { from: OWN }],
    ['without a sender', {}],
  ])('a stanza %s stays as it is', async (_name, attributes) => {
    expect(await completed(attributes)).toEqual(attributes);
  });
});
