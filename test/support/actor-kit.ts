import { onTestFinished } from 'vitest';
import type { ActorDefinition, ActorSettings, Behaviour, ProtocolOf } from '../../src/actors/kit/actor.ts';
import { ActorSystem, type ActorSystemOptions } from '../../src/actors/kit/system.ts';
import { ManualClock } from './manual-clock.ts';
import { RecordingLogger } from './recording-logger.ts';

interface Escalation {
  readonly error: unknown;
  readonly path: string;
}

/** An actor system over real comedy, on a manual clock. It is stopped when the test is over. */
export async function startActors(options: Partial<ActorSystemOptions> = {}) {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const escalations: Escalation[] = [];
  const onEscalation = (error: unknown, path: string) => void escalations.push({ error, path });
  const system = await ActorSystem.start({ clock, log, onEscalation, ...options });
  onTestFinished(async () => {
    const stopped = system.stop('now');
    await settle();
    clock.advance(60_000);
    await settle();
    clock.advance(60_000);
    await stopped;
  });
  return { system, clock, log, escalations };
}

/** Lets everything happen that waits for nothing but its turn: comedy moves one step per turn of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** An actor that needs no arguments and no context. */
export const actorOf = <P extends ProtocolOf<P>>(
  behaviour: Behaviour<P>,
  settings: Partial<ActorSettings> = {},
): ActorDefinition<P, undefined> => ({ kind: 'test', ...settings, create: () => behaviour });

export interface Gate {
  /** Resolves when the gate opens. */
  readonly passed: Promise<void>;
  open(): void;
}

/** Holds whoever awaits `passed` until the test opens it. */
export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}
