import { type DestinationStream, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Logger } from '../base/log.ts';
import { terminalLine } from './terminal-line.ts';

export interface LoggerOptions {
  readonly level: string;
  /** One readable line per event, for a terminal, in local time; JSON otherwise. */
  readonly pretty: boolean;
  readonly destination?: DestinationStream;
}

/** What could identify a person or open a door, wherever it turns up in a log line. */
const REDACTED = [
  'token',
  'qr',
  'text',
  'content',
  'message',
  'phone',
  '*.token',
  '*.content',
  '*.message.content',
];

export function createLogger({ level, pretty, destination }: LoggerOptions): Logger {
  const sink = destination ?? process.stderr;
  const options = { level, base: null, redact: { paths: REDACTED, censor: '[redacted]' } };
  if (!pretty) return pino(options, sink);
  return pino(
    options,
    PinoPretty({
      destination: sink,
      colorize: process.stderr.isTTY && process.stderr.hasColors(),
      translateTime: 'SYS:HH:MM:ss',
      hideObject: true,
      messageFormat: (event, _key, _level, { colors }) => terminalLine(event, colors.gray),
    }),
  );
}
