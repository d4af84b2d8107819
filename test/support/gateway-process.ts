import { pino } from 'pino';
import { systemClock } from '../../src/base/clock.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import type { ReceivedMessage } from '../../src/gateway/received.ts';
import { ScriptedSessions } from './scripted-session.ts';

/** What a gateway process is told by its only argument, as JSON. */
export interface GatewayProcessOptions {
  readonly dataFolder: string;
  readonly stagingFolder: string;
  readonly backendUrl: string;
  readonly token: string;
  readonly mediaOrigin: string;
  /** What the provider delivers as soon as the session starts, again with every start. */
  readonly messages: readonly ReceivedMessage[];
}

const options: GatewayProcessOptions = JSON.parse(process.argv[2] ?? '{}');
const sessions = new ScriptedSessions(options.mediaOrigin);

await startGateway({
  dataFolder: options.dataFolder,
  stagingFolder: options.stagingFolder,
  backendUrls: [options.backendUrl],
  token: options.token,
  clock: systemClock(),
  log: pino({ level: 'warn' }, pino.destination(2)),
  gatewayId: 'north',
  providerName: 'simulator',
  createSession: (request) => {
    const session = sessions.create(request);
    const start = session.start.bind(session);
    session.start = () => {
      start();
      void sessions.of(request.botId).receive(...options.messages);
    };
    return session;
  },
});
