import { pino } from 'pino';
import { type LiveGatewayOptions, startLiveGateway } from './live-gateway.ts';

/** A live gateway as a process; its only argument is `LiveGatewayOptions` as JSON. */
const options: LiveGatewayOptions = JSON.parse(process.argv[2] ?? '{}');
await startLiveGateway({ ...options, log: pino({ level: 'error' }, pino.destination(2)) });
