import { expect, onTestFinished, test, vi } from 'vitest';
import { silentLogger } from '../../../src/base/log.ts';
import { howToScan } from '../../../src/cli/qr-code.ts';
import { showBot, type ShownBot } from '../../../src/cli/show-bot.ts';

const PAIRING: ShownBot = { botId: 'reception', state: 'pairing', qr: 'a code', detail: null };

test('whoever starts a bot that is not linked is shown what to scan, then how it is', async () => {
  const shown = vi.spyOn(console, 'log').mockReturnValue();
  onTestFinished(() => shown.mockRestore());
  showBot(PAIRING, undefined, silentLogger);
  await expect.poll(() => shown.mock.calls.flat()).toEqual([await howToScan('reception', 'a code')]);
  showBot({ ...PAIRING, state: 'closed', qr: null, detail: 'logged out' }, undefined, silentLogger);
  expect(shown.mock.calls.flat().at(-1)).toBe('reception: closed (logged out)');
});
