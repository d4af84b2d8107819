import { onTestFinished } from 'vitest';
import type { DragomanEvent } from '../../src/actors/events.ts';
import { systemClock } from '../../src/base/clock.ts';
import { type Logger, silentLogger } from '../../src/base/log.ts';
import { type ServingOptions, startTogether, type Together } from '../../src/cli/together.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { parseConfig } from '../../src/system/config.ts';
import { scratchFolder } from './scratch-folder.ts';
import { stubPools } from './stub-pools.ts';

/** Gateway and backend in this process, one bot linked to an offline WhatsApp. */
export interface TogetherBench {
  readonly simulator: Simulator;
  readonly together: Together;
  /** Resolves once `found` gives something; asks it again after every event. */
  until<T>(found: (events: readonly DragomanEvent[]) => T | undefined | false): Promise<T>;
}

const FIRST_PHONE = '4915550000001';

export async function togetherBench(
  options: {
    readonly seed?: string;
    readonly log?: Logger;
    readonly settings?: object;
    readonly openStore?: ServingOptions['openStore'];
  } = {},
): Promise<TogetherBench> {
  const { seed = 'together', log = silentLogger, settings = {}, openStore } = options;
  const simulator = await startSimulator({ seed });
  onTestFinished(() => simulator.close());
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const together = await startTogether({
    config: parseConfig({
      dataFolder: await scratchFolder(),
      simulator: simulator.endpoint.mediaOrigin,
      listen: { port: 0 },
      http: { enabled: false },
      pools: stubPools(20),
      ...settings,
    }),
    clock: systemClock(),
    log,
    onEscalation: failure.reject,
    ...(openStore && { openStore }),
  });
  onTestFinished(() => together.stop());
  /** What the owner of the account does. */
  const link = async ({ qr, detail }: Extract<DragomanEvent, { kind: 'bot' }>): Promise<void> => {
    const code = /Type this code into the phone: (\w{4})-(\w{4})$/.exec(detail ?? '');
    if (qr !== null) await simulator.scan(qr);
    else if (code !== null) await simulator.typePairingCode(FIRST_PHONE, `${code[1]}${code[2]}`);
  };
  const events: DragomanEvent[] = [];
  let changed = Promise.withResolvers<void>();
  together.backend.events.listen((event) => {
    if (event.kind === 'bot') link(event).catch(failure.reject);
    events.push(event);
    changed.resolve();
    changed = Promise.withResolvers();
  });
  const bench: TogetherBench = {
    simulator,
    together,
    async until(found) {
      for (;;) {
        const value = found(events);
        if (value !== undefined && value !== false) return value;
        await Promise.race([changed.promise, failure.promise]);
      }
    },
  };
  await bench.until((all) => all.some((event) => event.kind === 'bot' && event.state === 'open'));
  return bench;
}
