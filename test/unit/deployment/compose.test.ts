import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/system/config.ts';
import { longestMs } from '../../../src/system/steps.ts';
import { compose, environmentOf, serviceOf } from '../../support/compose-file.ts';

const STAGING = '/app/media_store/pending_media';

const mounted = (name: string) =>
  serviceOf(name)
    .volumes.map((volume) => volume.split(':')[0] ?? '')
    .filter((source) => !source.startsWith('.'));

const seconds = (name: string): number => Number.parseInt(serviceOf(name).stop_grace_period ?? '0', 10);

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

  test('containers are given longer to stop than what they do then', () => {
    const tokens = { GATEWAY_TOKEN: 'g'.repeat(64), HTTP_TOKEN: 'h'.repeat(64) };
    const backend = loadConfig({
      file: 'docker/backend.yaml',
      environment: environmentOf('backend', tokens),
      flags: {},
    });
    const gateway = loadConfig({
      file: 'docker/gateway.yaml',
      environment: environmentOf('whatsapp_baileys_server', tokens),
      flags: {},
    });
    expect(seconds('backend') * 1_000).toBeGreaterThan(longestMs(backend.drainDeadlineMs));
    expect(seconds('whatsapp_baileys_server') * 1_000).toBeGreaterThan(2 * gateway.gateway.stopTimeoutMs);
    // what both must agree upon
    expect(gateway.stagingFolder).toBe(STAGING);
    expect(backend.stagingFolder).toBe(STAGING);
    expect(gateway.uplink?.gatewayId).toBe(backend.gateways[0]?.id);
    expect(gateway.uplink?.token).toBe(backend.gateways[0]?.token);
    expect(gateway.uplink?.backends).toEqual([`ws://backend:${backend.listen.port}/gateway`]);
    expect(serviceOf('backend').ports).toEqual([`127.0.0.1:${backend.http.port}:${backend.http.port}`]);
  });
});

/** The first docker-compose needs no engine to look at a file. */
const hasCompose = spawnSync('docker-compose', ['version'], { timeout: 20_000 }).status === 0;
test.skipIf(!hasCompose)(
  "compose's own check finds nothing in it",
  () => {
    const env = { ...process.env, CURRENT_UID: '1', CURRENT_GID: '1', GATEWAY_TOKEN: 'g', HTTP_TOKEN: 'h' };
    const { status, stderr } = spawnSync('docker-compose', ['config', '-q'], { env, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  },
  20_000,
);
