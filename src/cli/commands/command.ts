import { type Command, InvalidArgumentError } from 'commander';
import type { Config, ConfigOverrides, ConfigSources } from '../../system/config.ts';

/** Tells the process's exit code when a command is done. One that is not called leaves it at 0. */
export type Finish = (exitCode: number) => void;

/** Adds one command to the command line. What it runs is imported when it runs: `--help` loads none of it. */
export type Register = (program: Command, finish: Finish) => void;

/** The flags of `configured`, as commander hands them over. */
export interface ConfigFlags extends ConfigOverrides {
  readonly config?: string;
}

/** Gives a command the flags that say which configuration it means. */
export const configured = (command: Command): Command =>
  command
    .option('--config <file>', 'configuration (YAML or JSON)')
    .option('--data-folder <folder>', 'where everything durable lies');

/** The configuration that a command's flags and the environment name. */
export const sourcesOf = ({ config, ...flags }: ConfigFlags): ConfigSources => ({
  file: config,
  environment: process.env,
  flags,
});

/** Read before what it configures is loaded: whoever mistyped a setting hears of it at once. */
export async function configOf(flags: ConfigFlags): Promise<Config> {
  const { loadConfig } = await import('../../system/config.ts');
  const { strayVariables } = await import('../../system/config/stray-variables.ts');
  const config = loadConfig(sourcesOf(flags));
  for (const { found, todo } of strayVariables(process.env)) console.error(`warning: ${found}: ${todo}`);
  return config;
}

export const portNumber = (text: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a number from 0 to 65535.');
};

export const wholeNumber = (text: string): number => {
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number, 1 or more.');
};

/** `configured`, for a command that serves over HTTP or asks a backend that does. */
export const reaching = (command: Command): Command =>
  configured(command).option('--http-port <number>', 'port of page, API, metrics and health', portNumber);
