import { proto } from '@whiskeysockets/baileys';
import { expect, onTestFinished, test } from 'vitest';
import { SignalParty } from '../../../src/simulator/signal-party.ts';

const BOT = '4915550000001:1@s.whatsapp.net';

function party(): SignalParty {
  const made = new SignalParty();
  onTestFinished(() => made.close());
  return made;
}

test('accounts of one process that write to the same device at the same instant step their own ratchets', async () => {
  const bot = party();
  const people = await Promise.all(
    [0, 1, 2].map(async (index) => ({ address: `49151000000${index}@s.whatsapp.net`, party: party() })),
  );
  await Promise.all(
    people.map(async (person) => {
      await person.party.startSession(BOT, await bot.offerBundle());
      for (const word of ['one', 'two', 'three', 'four']) {
        const sealed = await person.party.seal(BOT, { conversation: word });
        const opened = await bot.open(person.address, sealed, '');
        expect(opened).toMatchObject(proto.Message.fromObject({ conversation: word }));
      }
    }),
  );
});
