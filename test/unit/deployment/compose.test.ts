import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

/** docker-compose.yml as far as it is looked at here. */
const service = z.looseObject({
  image: z.string(),
  user: z.string().optional(),
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()),
  ports: z.array(z.string()).default([]),
  networks: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  restart: z.string().optional(),
  stop_grace_period: z.string().optional(),
});
const compose = z
  .looseObject({
    services: z.record(z.string(), service),
    volumes: z.record(z.string(), z.null()),
    networks: z.record(z.string(), z.object({ internal: z.boolean().optional() }).nullable()),
  })
  .parse(parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }));

const STAGING = '/app/media_store/pending_media';

function serviceOf(name: string): z.infer<typeof service> {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
}

describe('docker-compose.yml', () => {
  test.for([
    ['backend', 'backend'],
    ['whatsapp_baileys_server', 'gateway'],
  ] as const)('%s runs as the host user, on the shared volume', ([name, command]) => {
    const { user, volumes, depends_on, restart, healthcheck } = serviceOf(name);
    expect(user).toBe('${CURRENT_UID}:${CURRENT_GID}');
    expect(volumes).toContain(`media_staging:${STAGING}`);
    expect(depends_on['volume_owner']?.condition).toBe('service_completed_successfully');
    expect(restart).toBe('unless-stopped');
    const config = ['--config', `/app/docker/${command}.yaml`];
    expect(serviceOf(name).command).toEqual([command, ...config]);
    expect(healthcheck?.test).toEqual(['CMD', 'node', 'bin/dragoman.js', 'health', command, ...config]);
  });

  test('every volume is declared, and those of the host user are given to it first', () => {
    const mounted = (name: string) =>
      serviceOf(name)
        .volumes.map((volume) => volume.split(':')[0] ?? '')
        .filter((source) => !source.startsWith('.'));
    for (const name of Object.keys(compose.services)) {
      for (const volume of mounted(name)) expect(compose.volumes).toHaveProperty(volume);
    }
    const owned = mounted('volume_owner');
    expect(owned).toEqual(
      expect.arrayContaining([...mounted('backend'), ...mounted('whatsapp_baileys_server')]),
    );
    const [script = ''] = serviceOf('volume_owner').command;
    const targets = serviceOf('volume_owner').volumes.map((volume) => volume.split(':')[1] ?? '');
    for (const target of targets) {
      expect([STAGING, '/app/data/backend', '/app/data/gateway']).toContain(target);
    }
    expect(script).toContain(`/app/data/* ${STAGING}`);
    expect(script).toContain('chown -h ${CURRENT_UID}:${CURRENT_GID}');
  });

  test('mongo is a replica set of one node, which its health check makes, and nobody but the backend reaches it', () => {
    const { command, healthcheck, ports, networks } = serviceOf('mongo');
    expect(command).toEqual(['--replSet', 'rs0', '--bind_ip_all']);
    const check = healthcheck?.test.join(' ') ?? '';
    expect(check).toContain("rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'mongo:27017' }] })");
    expect(check).toContain('isWritablePrimary');
    expect(ports).toEqual([]);
    expect(networks).toEqual(['store']);
    expect(compose.networks['store']?.internal).toBe(true);
    expect(serviceOf('whatsapp_baileys_server').networks).not.toContain('store');
    expect(serviceOf('backend').depends_on['mongo']?.condition).toBe('service_healthy');
  });

  test('nothing is published beyond loopback', () => {
    for (const { ports } of Object.values(compose.services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  test('no token is written in it', () => {
    expect(serviceOf('backend').environment).toMatchObject({
      DRAGOMAN_GATEWAYS_0_TOKEN: '${GATEWAY_TOKEN}',
      DRAGOMAN_HTTP_TOKEN: '${HTTP_TOKEN}',
    });
    expect(serviceOf('whatsapp_baileys_server').environment).toEqual({
      DRAGOMAN_UPLINK_TOKEN: '${GATEWAY_TOKEN}',
    });
  });
});
