import { writeSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { Journal } from '../../src/gateway/journal.ts';
import { received } from './received-messages.ts';

/** A process that commits messages `from`, `from + 1`, … to a journal, and prints each number once it is durable. */
const [file = '', from = '1'] = process.argv.slice(2);
const journal = new Journal({
  file,
  clock: systemClock(),
  providerName: 'simulator',
  undecryptableWaitMs: 120_000,
  seenDays: 14,
});
for (let number = Number(from); ; number += 1) {
  const ratchet = { puts: [['ratchet', String(number)]], deletes: [] } as const;
  await journal.sessions.commit('bot', ratchet, [received(String(number))]);
  writeSync(1, `${number}\n`);
}
