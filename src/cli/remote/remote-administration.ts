import { z } from 'zod';
import { pageOf } from '../../inspector/http/routes/schemas.ts';
import { added, paired, removed, started, stopped } from '../../inspector/http/routes/bots.ts';
import { forgotten } from '../../inspector/http/routes/chats.ts';
import type { Administration, ChatAddress } from '../../system/administration.ts';
import {
  actorView,
  botView,
  chatView,
  deadLetterView,
  gatewayView,
  historyView,
  janitorView,
  jobView,
  journeyView,
  messageView,
  poolView,
  resentLetterView,
  retriedJobView,
  sentView,
  stagingView,
} from '../../system/administration/views.ts';
import { SEND_FAILURES } from '../../system/outbox.ts';
import { describeError, hasCode } from '../../base/errors.ts';
import { newGuid } from '../../base/ids.ts';
import type { ApiClient } from './api-client.ts';

/** What can be asked of a backend in another process: all but what only its own server needs. */
export type RemoteAdministration = Omit<Administration, 'actors' | 'pools'> & {
  readonly actors: Omit<Administration['actors'], 'kinds'>;
  readonly pools: Omit<Administration['pools'], 'load'>;
};

const API = '/api/v1';
const botPath = (botId: string): string => `${API}/bots/${encodeURIComponent(botId)}`;
const gatewayPath = (gatewayId: string): string => `${API}/gateways/${encodeURIComponent(gatewayId)}`;
const chatPath = ({ botId, identifier }: ChatAddress): string =>
  `${botPath(botId)}/chats/${encodeURIComponent(identifier)}`;
const jobPath = (guid: string): string => `${API}/jobs/${encodeURIComponent(guid)}`;

/** The administration of a running backend, over HTTP. */
export function remoteAdministration(api: ApiClient): RemoteAdministration {
  return {
    actors: { show: (siblings) => api.get(`${API}/actors`, z.array(actorView), { siblings }) },
    bots: {
      list: () => api.get(`${API}/bots`, z.array(botView)),
      start: async (botId) => void (await api.post(`${botPath(botId)}/start`, started)),
      stop: async (botId) => void (await api.post(`${botPath(botId)}/stop`, stopped)),
      pair: async (botId, phone) => (await api.post(`${botPath(botId)}/pair`, paired, { phone })).outcome,
      add: async (settings) =>
        (await api.post(`${API}/bots`, added, z.record(z.string(), z.any()).parse(settings))).outcome,
      remove: async (botId) => (await api.delete(botPath(botId), removed)).outcome,
    },
    chats: {
      list: (botId, page) => api.get(`${botPath(botId)}/chats`, pageOf(chatView), { ...page }),
      show: (chat) => api.get(chatPath(chat), chatView),
      message: (chat, id) => api.get(`${chatPath(chat)}/messages/${id}`, journeyView),
      queue: (chat) => api.get(`${chatPath(chat)}/queue`, z.array(messageView)),
      history: (chat, page) => api.get(`${chatPath(chat)}/history`, z.array(historyView), { ...page }),
      forget: (chat) => api.delete(chatPath(chat), forgotten),
    },
    jobs: {
      list: (filter, page) => api.get(`${API}/jobs`, pageOf(jobView), { ...filter, ...page }),
      show: (guid) => api.get(jobPath(guid), jobView),
      retry: (guid) => api.post(`${jobPath(guid)}/retry`, retriedJobView),
      drop: (guid) => api.delete(jobPath(guid), jobView),
    },
    gateways: {
      list: () => api.get(`${API}/gateways`, z.array(gatewayView)),
      deadLetters: (gatewayId, page) =>
        api.get(`${gatewayPath(gatewayId)}/dead-letters`, pageOf(deadLetterView), { ...page }),
      resend: (gatewayId, seq) =>
        api.post(`${gatewayPath(gatewayId)}/dead-letters/${seq}/retry`, resentLetterView),
    },
    janitor: { plan: () => api.get(`${API}/janitor/plan`, janitorView) },
    pools: {
      list: () => api.get(`${API}/pools`, z.array(poolView)),
      staging: () => api.get(`${API}/staging`, stagingView),
    },
    async send({ botId, ...request }) {
      const requestId = request.requestId ?? newGuid();
      try {
        const sent = await api.post(`${botPath(botId)}/send`, sentView, { ...request, requestId });
        return { kind: 'sent', ...sent };
      } catch (error) {
        const code = SEND_FAILURES.find((each) => hasCode(error, each));
        if (code === undefined) throw error;
        return { kind: 'failed', requestId, code, reason: describeError(error) };
      }
    },
  };
}
