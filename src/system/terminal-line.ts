import { inspect } from 'node:util';

/** Printed before it. */
const ELSEWHERE: ReadonlySet<string> = new Set(['level', 'time', 'msg']);
/** What a terminal obeys; line breaks and tabs do no harm in a stack. */
const OBEYED = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;
const PLAIN = /^[\p{L}\p{N}_.:@/+-]+$/u;

/**
 * An event on one line: what happened, then `name=value` of what is known of it, in `faint`; the lines of an error's
 * stack follow. Texts that could be taken for more than one value, or for what a terminal obeys, are quoted. A bot's actor
 * is left out where the bot is named.
 */
export function terminalLine(
  { err, ...event }: Readonly<Record<string, unknown>>,
  faint: (text: string) => string,
): string {
  const stack = stackOf(err);
  const told = stack === null && err !== undefined ? { ...event, err } : event;
  const fields = Object.entries(told).filter(
    ([name, value]) =>
      !ELSEWHERE.has(name) && value !== null && !(name === 'actor' && event['bot_id'] !== undefined),
  );
  const what = event['msg'];
  const line = [
    ...(typeof what === 'string' ? [what] : []),
    ...fields.map(([name, value]) => faint(`${name}=${shown(value)}`)),
  ].join(' ');
  return stack === null ? line : `${line}\n${stack}`;
}

const stackOf = (error: unknown): string | null =>
  typeof error === 'object' && error !== null && 'stack' in error ? harmless(String(error.stack)) : null;

function shown(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) ? value : harmless(JSON.stringify(value));
  return harmless(inspect(value, { breakLength: Infinity, compact: true, depth: 4 }));
}

/** Escaped as JSON escapes. */
const harmless = (text: string): string =>
  text.replaceAll(OBEYED, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
