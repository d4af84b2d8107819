import { expect, test } from 'vitest';
import { decodeBackendFrame, decodeGatewayFrame, encodeFrame } from '../../../src/protocol/codec.ts';
import { textFrame } from '../../support/inbound-frames.ts';

test('what a newer peer adds is ignored, wherever it stands', () => {
  const { message, ...frame } = textFrame('ann', 'hello');
  const group = { id: 'g@g.us', name: 'Trip' };
  const newer = { ...frame, extra: 1, message: { ...message, extra: 2, group: { ...group, extra: 3 } } };
  expect(decodeGatewayFrame(JSON.stringify(newer))).toEqual({
    kind: 'frame',
    frame: { ...frame, message: { ...message, group } },
  });
  const start = { type: 'bot.start', bot_id: 'main', config: { media_storage_quota_gb: 1 } } as const;
  const told = { ...start, extra: 1, config: { ...start.config, extra: 2 } };
  expect(decodeBackendFrame(encodeFrame(told))).toEqual({ kind: 'frame', frame: { v: 1, ...start } });
});

test('of a frame of another version no seq is told: nobody may judge it', () => {
  const newer = JSON.stringify({ ...textFrame('ann', 'hello'), v: 2 });
  expect(decodeGatewayFrame(newer)).toEqual({
    kind: 'malformed',
    reason: 'v: expected 1, got 2: update the older side',
    seq: null,
  });
});
