import { NOT_CONNECTED } from '../actors/bot-protocol.ts';
import { botActor } from '../actors/bot.ts';
import type { SharedServices } from '../actors/chat-services.ts';
import type { ActorSystem } from '../actors/kit/system.ts';
import type { BotRosterOptions } from './bot-roster.ts';
import type { BotSettings } from './config/bot-settings.ts';
import type { Config } from './config.ts';

export interface BotActorsOptions {
  readonly system: ActorSystem;
  readonly config: Pick<
    Config,
    'passivateAfterMs' | 'maxLiveChats' | 'disconnectGraceMs' | 'drainDeadlineMs'
  >;
  /** What does not depend on the bot's settings. */
  readonly services: Omit<SharedServices, 'limits' | 'ordering'>;
}

/** How the roster makes the actors of bots, and lets go of them. */
export const botActors = ({
  system,
  config,
  services,
}: BotActorsOptions): Pick<BotRosterOptions, 'spawn' | 'retire'> => ({
  async spawn(settings) {
    const said = { status: NOT_CONNECTED };
    const ref = await system.spawn(botActor, settings.id, {
      botId: settings.id,
      said,
      passivateAfterMs: config.passivateAfterMs,
      maxLiveChats: config.maxLiveChats,
      disconnectGraceMs: config.disconnectGraceMs,
      services: { ...services, limits: settings.limits, ordering: orderingOf(settings) },
    });
    return { said, ref };
  },
  async retire({ ref }) {
    try {
      await ref.ask('retire', undefined, { deadlineMs: config.drainDeadlineMs });
      await system.stopActor(ref);
    } catch (error) {
      // One that stayed would be in the way of a bot of its name. What is not held is swept by the next start.
      await system.stopActor(ref, 'now');
      throw error;
    }
  },
});

const orderingOf = ({ ordering, strictHoldMs }: BotSettings) =>
  ordering === 'strict' ? ({ kind: 'strict', strictHoldMs } as const) : ({ kind: 'skip-pop' } as const);
