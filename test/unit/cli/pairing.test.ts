import { afterEach, describe, expect, test, vi } from 'vitest';
import { showUntilLinked } from '../../../src/cli/bots.ts';
import { howToScan } from '../../../src/cli/qr-code.ts';
import type { BotView } from '../../../src/system/administration/views.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const bot = (state: BotView['state'], qr: string | null = null): BotView => ({
  botId: 'reception',
  gatewayId: 'local',
  linked: true,
  stopped: false,
  state,
  qr,
  detail: null,
});

afterEach(() => vi.restoreAllMocks());

describe('waiting for a phone', () => {
  test('ends when the account is linked, and shows each state once', async () => {
    const shown = vi.spyOn(console, 'log').mockReturnValue();
    const clock = new ManualClock();
    const states: BotView['state'][] = ['pairing', 'pairing', 'open'];
    const list = () => {
      queueMicrotask(() => setImmediate(() => clock.advance(1_000)));
      return Promise.resolve([bot(states.shift() ?? 'open')]);
    };
    await showUntilLinked({ list }, 'reception', { asJson: false, clock });
    expect(shown.mock.calls.flat()).toEqual(['reception: pairing', 'reception: open']);
  });

  test('shows each code that there is to scan', async () => {
    const shown = vi.spyOn(console, 'log').mockReturnValue();
    const clock = new ManualClock();
    const views = [bot('pairing', 'first'), bot('pairing', 'first'), bot('pairing', 'second'), bot('open')];
    const list = () => {
      setImmediate(() => clock.advance(1_000));
      return Promise.resolve(views.splice(0, 1));
    };
    await showUntilLinked({ list }, 'reception', { asJson: false, clock });
    const codes = await Promise.all(['first', 'second'].map((qr) => howToScan('reception', qr)));
    expect(shown.mock.calls.flat()).toEqual([...codes, 'reception: open']);
  });

  test('ends after ten minutes with an error that says how to go on', async () => {
    vi.spyOn(console, 'log').mockReturnValue();
    const clock = new ManualClock();
    const waiting = showUntilLinked({ list: () => Promise.resolve([bot('pairing')]) }, 'reception', {
      asJson: false,
      clock,
    });
    clock.advance(600_000);
    await expect(waiting).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringContaining('dragoman bots pair reception'),
    });
  });
});
