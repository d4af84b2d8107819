import type { FastifyInstance, FastifyReply } from 'fastify';
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from 'fastify-type-provider-zod';
import { describeError, DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { bugProblem, type Problem, problemOf } from './problem.ts';

const NOT_JSON = 415;

/** Answers every failure with a problem document, and logs bugs. */
export function answerErrors(server: FastifyInstance, log: Logger): void {
  server.setErrorHandler((error, request, reply) => {
    const problem = explain(error);
    if (problem.status >= 500) {
      const route = request.routeOptions.url ?? null;
      log.warn({ route, code: problem.code, reason: describeError(error) }, 'a request failed');
    }
    return answer(reply, problem);
  });
  server.setNotFoundHandler((_request, reply) =>
    answer(reply, problemOf(new DragomanError('not_found', 'there is nothing by that path'))),
  );
}

/** Answers what was refused before there was a route. */
export const answerError = (reply: FastifyReply, error: unknown): void => void answer(reply, explain(error));

const answer = (reply: FastifyReply, problem: Problem): FastifyReply =>
  reply.code(problem.status).type('application/problem+json').serializer(JSON.stringify).send(problem);

function explain(error: unknown): Problem {
  if (error instanceof DragomanError) return problemOf(error);
  if (isResponseSerializationError(error)) return bugProblem();
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map(
      ({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.') || 'request'}: ${message}`,
    );
    return problemOf(new DragomanError('request_invalid', problems.join('; ')));
  }
  const status = statusOf(error);
  if (status === null) return bugProblem();
  const detail =
    status === NOT_JSON ? 'expected a body with content-type: application/json' : describeError(error);
  return problemOf(new DragomanError('request_invalid', detail), status);
}

/** Of what Fastify itself refuses: bodies that are too large, are no JSON, or are cut short. */
function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : null;
}
