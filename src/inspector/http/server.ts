import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import { fastify, type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { hostInUrl, listenError, portOf } from '../../base/listening.ts';
import type { Logger } from '../../base/log.ts';
import { LIVE_PROTOCOL } from '../live/contract.ts';
import type { AdmissionRules } from './admission.ts';
import { documentApi } from './api-document.ts';
import { answerError, answerErrors } from './error-answers.ts';
import { guard } from './guard.ts';

export interface HttpOptions extends AdmissionRules {
  /** 0 takes any free port. */
  readonly port: number;
  readonly log: Logger;
  /** Add their routes; each is given a scope of its own. */
  readonly routes: readonly Routes[];
}

/** A part of the server whose parameters, bodies and replies are decoded by zod schemas. */
export type Router = ReturnType<typeof typed>;
export type Routes = (router: Router) => void | Promise<void>;

export interface RunningHttp {
  /** For instance `http://127.0.0.1:7311`. */
  readonly url: string;
  /** Ends every connection. */
  close(): Promise<void>;
}

const BODY_BYTES = 256 * 1024;
/** Whoever takes longer to send a request holds a connection for nothing. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Of a WebSocket's client: what it wants to see. */
const CLIENT_FRAME_BYTES = 4 * 1024;
/** Of an identifier, percent-encoded; its schema says how long it may be. */
const LONGEST_PARAMETER = 4_096;

/**
 * Opens the port of page, API, metrics and health.
 * Rejects with `already_in_use` when the port is taken, `config_invalid` when it cannot be listened on.
 */
export async function startHttp(options: HttpOptions): Promise<RunningHttp> {
  const { host, port, log, routes } = options;
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: 0,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: LONGEST_PARAMETER, ignoreTrailingSlash: false },
    return503OnClosing: true,
    frameworkErrors: (error, _request, reply) => answerError(reply, error),
  });
  try {
    server.setValidatorCompiler(validatorCompiler);
    server.setSerializerCompiler(serializerCompiler);
    answerErrors(server, log);
    await server.register(helmet, SECURITY_HEADERS);
    await server.register(rateLimit, { global: false });
    await server.register(websocket, { options: { maxPayload: CLIENT_FRAME_BYTES, handleProtocols } });
    guard(server, options, log);
    // Bodies are JSON, or refused: a page of another origin may send any other type without asking first.
    server.removeContentTypeParser('text/plain');
    await documentApi(server);
    for (const add of routes) await server.register((scope) => add(typed(scope)));
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw listenError(error, { host, port }, { flag: '--http-port', section: 'http' });
  }
  return { url: `http://${hostInUrl(host)}:${portOf(server.server)}`, close: () => server.close() };
}

const typed = (scope: FastifyInstance) => scope.withTypeProvider<ZodTypeProvider>();

/** Everything a page needs comes from this server, and nothing of it from the page's own text. */
const SECURITY_HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
      'manifest-src': ["'self'"],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
    },
  },
  referrerPolicy: { policy: 'no-referrer' },
  // Plain HTTP on this machine: whoever puts TLS before it sets this there.
  strictTransportSecurity: false,
} as const;

/** A token that came as a subprotocol is never said back. */
const handleProtocols = (offered: Set<string>): string | false => offered.has(LIVE_PROTOCOL) && LIVE_PROTOCOL;
