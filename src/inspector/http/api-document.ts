import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

/** Makes the API's document out of the routes that are added from now on: `GET /api/v1/openapi.json`. */
export async function documentApi(server: FastifyInstance): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Dragoman',
        description:
          'What an operator may see and do of a running backend. Times are epoch milliseconds. What goes wrong is ' +
          'application/problem+json with a code. Where a token is configured: Authorization: Bearer.',
        version: '1',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  server.get('/api/v1/openapi.json', { schema: { hide: true } }, () => server.swagger());
}
