/** How everything begins that libsignal prints. */
export const LIBSIGNAL_NOTICES: readonly string[] = [
  'Closing session:',
  'Opening session:',
  'Removing old closed session:',
  'Migrating session to:',
  'Closing open session in favor of incoming prekey bundle',
  'Session already closed',
  'Session already open',
  'Decrypted message with closed session.',
  'Failed to decrypt message with any known session...',
  'Session error:',
  'V1 session storage migration error: registrationId',
  'WARNING: Expected pubkey of length 33',
  'Unhandled bucket type (for naming):',
];
const METHODS = ['info', 'warn', 'error'] as const;

/**
 * Keeps libsignal's notices off the console: it prints whole sessions there, private keys included. Everything
 * else passes. Returns what undoes it.
 */
export function muteSignalConsole(): () => void {
  const undo = METHODS.map((method) => {
    const original = console[method];
    const filtered = (...values: unknown[]): void => {
      const [first] = values;
      if (typeof first === 'string' && LIBSIGNAL_NOTICES.some((notice) => first.startsWith(notice))) return;
      original.apply(console, values);
    };
    console[method] = filtered;
    return () => {
      if (console[method] === filtered) console[method] = original;
    };
  });
  return () => undo.forEach((restore) => restore());
}
