import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { SeededChoices } from '../simulation/seeded-choices.ts';
import { API, getJson } from './bot-program.ts';
import type { Deed } from './failpoint-names.ts';
import type { Talk } from './talk.ts';
import type { Texts } from './texts.ts';

const DEEDS = ['retry', 'drop', 'stop and start', 'forget', 'send'] as const satisfies readonly Deed[];
const BETWEEN_DEEDS_MS = 500;

const jobsPage = z.object({ items: z.array(z.object({ guid: z.string() })) });
const botList = z.array(z.object({ botId: z.string(), stopped: z.boolean() }));

/** Somebody who administers Dragoman over HTTP while it dies. */
export class Operator {
  readonly #choices: SeededChoices;
  readonly #talk: Talk;
  readonly #texts: Texts;

  constructor(choices: SeededChoices, talk: Talk, texts: Texts) {
    this.#choices = choices;
    this.#talk = talk;
    this.#texts = texts;
  }

  /** A bot that was to be started again when a process died is. */
  putRight(url: string, signal: AbortSignal): Promise<void> {
    return this.#start(({ botId }) => botId === 'main', url, signal);
  }

  /** What waits for a bot comes to its end once that is connected. */
  startAll(url: string, signal: AbortSignal): Promise<void> {
    return this.#start(() => true, url, signal);
  }

  /** Does this again and again, or, with `anything`, one thing or another, until the process is gone. */
  async keepDoing(wish: Deed | 'anything', url: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#do(wish === 'anything' ? this.#choices.one(...DEEDS) : wish, url, signal);
      await pause(BETWEEN_DEEDS_MS, null, { signal });
    }
  }

  /** Until there is no failed job left. */
  async dropAll(url: string, signal: AbortSignal): Promise<void> {
    for (let guids = await failedJobs(url, signal); guids.length > 0; guids = await failedJobs(url, signal)) {
      for (const guid of guids) await call('DELETE', `${url}/api/v1/jobs/${guid}`, signal);
    }
  }

  async #start(
    isMeant: (bot: { readonly botId: string }) => boolean,
    url: string,
    signal: AbortSignal,
  ): Promise<void> {
    const bots = botList.parse(await getJson(`${url}/api/v1/bots`, signal));
    for (const bot of bots.filter(({ stopped }) => stopped).filter(isMeant)) {
      await post(`${url}/api/v1/bots/${bot.botId}/start`, signal);
    }
  }

  async #do(deed: Deed, url: string, signal: AbortSignal): Promise<void> {
    switch (deed) {
      case 'retry': {
        const guid = (await failedJobs(url, signal))[0];
        if (guid !== undefined) await post(`${url}/api/v1/jobs/${guid}/retry`, signal);
        return;
      }
      case 'drop': {
        const guid = (await failedJobs(url, signal)).at(-1);
        if (guid !== undefined) await call('DELETE', `${url}/api/v1/jobs/${guid}`, signal);
        return;
      }
      case 'stop and start':
        await post(`${url}${API}/stop`, signal);
        await post(`${url}${API}/start`, signal);
        return;
      case 'forget':
        return this.#forget(url, signal);
      case 'send':
        return this.#texts.send(url, signal);
    }
  }

  async #forget(url: string, signal: AbortSignal): Promise<void> {
    const jid = this.#talk.forgettableJid;
    if (jid === null) return;
    try {
      await call('DELETE', `${url}${API}/chats/${encodeURIComponent(jid)}`, signal);
    } finally {
      this.#talk.forgotten();
    }
  }
}

async function failedJobs(url: string, signal: AbortSignal): Promise<readonly string[]> {
  const page = await getJson(`${url}/api/v1/jobs?collection=failed&limit=200`, signal);
  return jobsPage.parse(page).items.map(({ guid }) => guid);
}

const post = (url: string, signal: AbortSignal): Promise<void> => call('POST', url, signal);

/** Whatever is answered: what was asked for may have become impossible meanwhile. */
async function call(method: string, url: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { method, signal });
  await response.body?.cancel();
  if (response.status >= 500) throw new Error(`${method} ${url}: ${response.status}`);
}
