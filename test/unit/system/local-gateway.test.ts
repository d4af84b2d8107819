import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/system/config.ts';
import { withoutLocalGateway } from '../../../src/system/local-gateway.ts';

const gateway = (id: string) => ({ id, token: `the token of gateway ${id}` });

test('a bot that names no gateway is the only one’s', () => {
  const config = parseConfig({
    bots: [{ id: 'a' }, { id: 'b', gateway: 'north' }],
    gateways: [gateway('north')],
  });
  expect(withoutLocalGateway(config).bots.map((bot) => bot.gateway)).toEqual(['north', 'north']);
});

test('with several gateways it has to name one', () => {
  const config = parseConfig({ bots: [{ id: 'a' }], gateways: [gateway('north'), gateway('south')] });
  expect(() => withoutLocalGateway(config)).toThrow('bots: expected a to say by its gateway setting');
});

test('without a gateway there is nothing to wait for', () => {
  expect(() => withoutLocalGateway(parseConfig({}))).toThrow('gateways: expected at least one');
});
