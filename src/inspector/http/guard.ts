import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DragomanError, hasCode } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { MINUTE_MS } from '../../base/units.ts';
import { type AdmissionRules, assertOrigin, assertToken, type Caller, offeredToken } from './admission.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Without token: what tells nothing that is worth one. */
    readonly open?: boolean;
  }
}

/** Of one address, in a minute. */
const REQUESTS = 1_200;
/** Tokens that were wrong, of one address, in a minute. */
const WRONG_TOKENS = 20;

/** Looks at every request before anything else does: how often, by which name, from which page, with which token. */
export function guard(server: FastifyInstance, rules: AdmissionRules, log: Logger): void {
  const countRequest = server.createRateLimit({ max: REQUESTS, timeWindow: MINUTE_MS });
  const countWrongToken = server.createRateLimit({ max: WRONG_TOKENS, timeWindow: MINUTE_MS });

  const assertPatience = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const [requests, wrongTokens] = [
      await countRequest(request),
      await countWrongToken(request, { increment: false }),
    ];
    const exceeded = [requests, wrongTokens].find((each) => !each.isAllowed && each.isExceeded);
    if (exceeded === undefined || exceeded.isAllowed) return;
    reply.header('retry-after', exceeded.ttlInSeconds);
    throw new DragomanError('rate_limited', `too many requests: try again in ${exceeded.ttlInSeconds} s`);
  };

  server.addHook('onRequest', async (request, reply) => {
    try {
      await assertPatience(request, reply);
      const caller = callerOf(request);
      assertOrigin(caller, rules);
      if (request.routeOptions.config.open !== true) assertToken(caller, rules);
    } catch (error) {
      if (hasCode(error, 'token_wrong')) {
        // Who has none guesses none: a scraper without its token locks nobody out.
        if (offeredToken(callerOf(request)) !== null) await countWrongToken(request);
        reply.header('www-authenticate', 'Bearer');
      }
      if (error instanceof DragomanError) {
        // Otherwise whoever floods the server floods the log.
        const level = error.code === 'rate_limited' ? 'debug' : 'warn';
        log[level]({ remote: request.ip, code: error.code }, 'request refused');
      }
      throw error;
    }
  });
}

const callerOf = ({ headers }: FastifyRequest): Caller => ({
  host: headers.host,
  origin: headers.origin,
  authorization: headers.authorization,
  subprotocols: headers['sec-websocket-protocol'],
});
