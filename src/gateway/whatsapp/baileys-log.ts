import type { Logger } from '../../base/log.ts';
import { muteSignalConsole } from '../../libsignal/signal-console.ts';

/** The logger that Baileys asks for. */
export interface BaileysLogger {
  level: string;
  child(bindings: object): BaileysLogger;
  trace(fields: unknown, message?: string): void;
  debug(fields: unknown, message?: string): void;
  info(fields: unknown, message?: string): void;
  warn(fields: unknown, message?: string): void;
  error(fields: unknown, message?: string): void;
}

/**
 * What Baileys warns of at every linking: the end of a connection is told by whoever reacts to it, a name comes later,
 * and a history may not come at all.
 */
const EXPECTED = /stream errored out|no name present, ignoring presence|Timeout in AwaitingInitialSync/;
const ADDRESS = /[\w.:+-]+@[\w.]+/g;
const LONG_NUMBER = /\d{5,}/g;

/**
 * Baileys' log as ours: chatter at trace, trouble at warn. Its fields hold stanzas, keys and messages, so only the text
 * is passed on, without addresses and numbers.
 */
export function baileysLogger(log: Logger): BaileysLogger {
  const chatter = (fields: unknown, message?: string): void => log.trace({}, redacted(fields, message));
  const trouble = (fields: unknown, message?: string): void =>
    EXPECTED.test(message ?? String(fields))
      ? chatter(fields, message)
      : log.warn({}, redacted(fields, message));
  const logger: BaileysLogger = {
    // Above trace and debug, at which Baileys spends its time on rendering every stanza.
    level: 'info',
    child: () => logger,
    trace: chatter,
    debug: chatter,
    info: chatter,
    warn: trouble,
    error: trouble,
  };
  return logger;
}

/** A text without what it may say of people. */
export const withoutAddresses = (text: string): string =>
  text.replaceAll(ADDRESS, '<address>').replaceAll(LONG_NUMBER, '<number>');

const redacted = (fields: unknown, message: string | undefined): string =>
  withoutAddresses(`baileys: ${message ?? (typeof fields === 'string' ? fields : 'no text')}`);

const printNothing = (): void => {};

/**
 * libsignal prints sessions, private keys included, to the console as it opens and closes them. Dragoman itself
 * never uses the console for its log, so these methods go silent for the whole process. Of errors only libsignal's go:
 * that a message did not decrypt is logged by whoever wanted it decrypted.
 */
export function silenceLibsignal(): void {
  // oxlint-disable-next-line no-console -- asked whether it is silenced, not used
  if (console.info === printNothing) return;
  muteSignalConsole();
  // oxlint-disable-next-line no-console -- silenced, not used
  console.info = printNothing;
  // oxlint-disable-next-line no-console -- silenced, not used
  console.warn = printNothing;
}
