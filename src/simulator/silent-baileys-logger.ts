/**
 * For Baileys' own code inside the simulator, whose log lines hold keys and numbers. (Its type of a logger
 * is not pino's: it wants `level`, and takes any value as fields.)
 */
export const silentBaileysLogger = {
  level: 'silent',
  child: () => silentBaileysLogger,
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};
