import { expect, test } from 'vitest';
import { howToScan } from '../../../src/cli/qr-code.ts';

/** As long as WhatsApp's. */
const QR = `2@${'x'.repeat(235)}`;

test('a QR code is shown where it fits, and where nothing wraps lines', async () => {
  // 0: a terminal that does not know, as a serial line or a container's.
  for (const columns of [80, undefined, 0]) {
    expect(await howToScan('reception', QR, columns)).toMatch(/^Link reception: .*scan:\n.*▄/s);
  }
});

test('in a terminal that would wrap its lines it is said how wide it has to be', async () => {
  const told = await howToScan('reception', QR, 40);
  expect(told).toMatch(/code is \d\d columns wide, and this terminal 40/);
  expect(told).not.toContain('▄');
  const width = Number(/code is (\d+)/.exec(told)?.[1]);
  expect(await howToScan('reception', QR, width - 1)).not.toContain('▄');
  expect(await howToScan('reception', QR, width)).toContain('▄');
});
