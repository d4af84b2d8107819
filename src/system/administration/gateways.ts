import { DragomanError } from '../../base/errors.ts';
import { WIRE_LIMITS } from '../../protocol/frames.ts';
import type { GatewaysAdministration } from '../administration.ts';
import type { Ingress } from '../ingress.ts';
import { numberIn } from './cursor.ts';
import { unknownGateway } from './known-names.ts';

export interface GatewaysOptions {
  readonly gatewayIds: readonly string[];
  readonly ingress: Pick<Ingress, 'ask' | 'isLinked'>;
}

export function administerGateways({ gatewayIds, ingress }: GatewaysOptions): GatewaysAdministration {
  const assertLinked = (gatewayId: string): void => {
    if (!gatewayIds.includes(gatewayId)) throw unknownGateway(gatewayId, gatewayIds);
    if (ingress.isLinked(gatewayId)) return;
    throw new DragomanError(
      'link_closed',
      `gateway ${gatewayId} is not connected: only it has its dead letters`,
    );
  };
  return {
    list: () =>
      Promise.resolve(gatewayIds.map((gatewayId) => ({ gatewayId, linked: ingress.isLinked(gatewayId) }))),
    async deadLetters(gatewayId, { after, limit }) {
      assertLinked(gatewayId);
      const question = {
        type: 'letters.list',
        limit: Math.min(limit, WIRE_LIMITS.letters),
        ...(after !== undefined && { after: numberIn(after) }),
      } as const;
      const answer = await ingress.ask(gatewayId, question, 'letters.listed');
      if (answer === null) throw silent(gatewayId);
      const { letters, next } = answer;
      return {
        items: letters.map(({ bot_id: botId, died_at: diedAt, ...letter }) => ({ ...letter, botId, diedAt })),
        next: next === undefined ? null : String(next),
      };
    },
    async resend(gatewayId, seq) {
      assertLinked(gatewayId);
      const question = { type: 'letters.retry', letter_seq: seq } as const;
      const answer = await ingress.ask(gatewayId, question, 'letters.retried');
      if (answer === null) throw silent(gatewayId);
      if (answer.outcome === 'retried') return { waitsAs: answer.waits_as ?? seq };
      throw answer.outcome === 'not_found' ? noLetter(seq) : hopelessLetter(seq, answer.reason ?? '');
    },
  };
}

export const noLetter = (seq: number): DragomanError =>
  new DragomanError('not_found', `there is no dead letter ${seq}: see dragoman dead-letters list`);

export const hopelessLetter = (seq: number, reason: string): DragomanError =>
  new DragomanError('frame_invalid', `dead letter ${seq} can never be sent: ${reason}`);

const silent = (gatewayId: string): DragomanError =>
  new DragomanError(
    'deadline_exceeded',
    `gateway ${gatewayId} does not answer: it may be busy, or of a version that knows no such question`,
  );
