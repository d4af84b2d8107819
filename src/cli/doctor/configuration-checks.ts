import { describeError } from '../../base/errors.ts';
import { type Config, type ConfigSources, loadConfig } from '../../system/config.ts';
import { isHardToGuess, SHORTEST_STRONG } from '../../system/links/gateway-auth.ts';
import { strayVariables } from '../../system/config/stray-variables.ts';
import { failing, type Finding, ok, warning } from './check.ts';

const NEEDED_NODE = 24;

export function checkNode(version: string): Finding {
  const major = Number(version.split('.')[0]);
  if (major >= NEEDED_NODE) return ok('node', version);
  return failing(
    'node',
    `${version}, expected ${NEEDED_NODE} or newer`,
    'run it by `npm start` or `npx dragoman`',
  );
}

export function checkConfiguration(sources: ConfigSources): {
  readonly config: Config | null;
  readonly findings: readonly Finding[];
} {
  const strays = strayVariables(sources.environment).map(({ found, todo }) =>
    warning('environment', found, todo),
  );
  try {
    const config = loadConfig(sources);
    const bots = config.bots.map(({ id }) => id).join(', ');
    const found = config.uplink === undefined ? `bots: ${bots}` : `gateway ${config.uplink.gatewayId}`;
    return { config, findings: [ok('configuration', found), ...strays] };
  } catch (error) {
    const finding = failing(
      'configuration',
      describeError(error),
      'correct these settings: see docs/configuration.md',
    );
    return { config: null, findings: [finding, ...strays] };
  }
}

export function checkTokens({ gateways, uplink, http }: Config): readonly Finding[] {
  const tokens: readonly (readonly [where: string, token: string | undefined])[] = [
    ...gateways.map(({ id, token }) => [`token of gateway ${id}`, token] as const),
    ['token of the uplink', uplink?.token],
    ['token of http', http.token],
  ];
  return tokens.flatMap(([check, token]) => (token === undefined ? [] : [checkToken(check, token)]));
}

function checkToken(check: string, token: string): Finding {
  if (isHardToGuess(token)) return ok(check, 'looks random');
  return warning(
    check,
    token.length < SHORTEST_STRONG ? `${token.length} characters` : 'few different characters',
    'take a random one, for instance from `openssl rand -hex 32`',
  );
}
