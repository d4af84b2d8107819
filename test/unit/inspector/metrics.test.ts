import { writeFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EventBus } from '../../../src/actors/events.ts';
import { Metrics } from '../../../src/inspector/metrics/metrics.ts';
import { acked, connected, STUB_POOLS } from '../../support/backend-machine.ts';
import { BOT, mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import { inspected } from '../../support/inspected-backend.ts';

const PERSON = '4915112345678';

/** The value of each series, by its name and labels. */
const seriesIn = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => {
        const gap = line.lastIndexOf(' ');
        return [line.slice(0, gap), Number(line.slice(gap + 1))];
      }),
  );

/** Without those of the process, which come as they happen. */
const ours = (text: string): readonly string[] =>
  [...seriesIn(text).keys()].filter((name) => name.startsWith('dragoman_'));

describe('metrics', () => {
  test('count messages and media, and tell how queues, pools, actors, bots and links stand', async () => {
    const { backend, watch, get, staging } = await inspected();
    const link = await connected(backend.url);
    const note = mediaFrame(PERSON, 'listen');
    await acked(link, textFrame(PERSON, 'hello', { provider_message_id: 'm1' }));
    await acked(link, textFrame(PERSON, 'hello', { provider_message_id: 'm1' }));
    await acked(link, note);
    await acked(link, mediaFrame('bob', 'later'));
    await writeFile(staging.pathOf(note.mediaGuid), 'OggS…');
    const staged = { bytes: 6, sha256: 'a'.repeat(64), mime_type: 'audio/ogg' };
    link.send({ type: 'media.staged', seq: 1_000_000, guid: note.mediaGuid, ...staged });
    await watch.untilIngested(2);
    // A worker is done with its job once the words are in their place.
    await expect.poll(() => watch.events.map(({ kind }) => kind)).toContain('job_done');

    const reply = await get('/metrics');
    expect(reply.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const series = seriesIn(await reply.text());
    const expected = {
      [`dragoman_messages_accepted_total{bot="${BOT}",kind="text"}`]: 1,
      [`dragoman_messages_accepted_total{bot="${BOT}",kind="media"}`]: 2,
      [`dragoman_messages_duplicate_total{bot="${BOT}"}`]: 1,
      [`dragoman_messages_ingested_total{bot="${BOT}"}`]: 2,
      [`dragoman_media_settled_total{bot="${BOT}",outcome="words"}`]: 1,
      [`dragoman_media_claim_wait_seconds_count{bot="${BOT}"}`]: 1,
      [`dragoman_media_processing_seconds_count{bot="${BOT}"}`]: 1,
      dragoman_queue_placeholders: 1,
      dragoman_queue_ready_messages: 0,
      dragoman_queue_waiting_chats: 1,
      'dragoman_jobs_done_total{pool="audio"}': 1,
      'dragoman_jobs{pool="audio",state="pending"}': 0,
      'dragoman_jobs{pool="audio",state="in_progress"}': 0,
      [`dragoman_bot_open{bot="${BOT}"}`]: 1,
      'dragoman_gateway_linked{gateway="gateway-1"}': 1,
      'dragoman_actors{kind="correspondent"}': 2,
      'dragoman_mailbox_messages{kind="correspondent"}': 0,
      'dragoman_actor_restarts{kind="bot"}': 0,
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, series.get(name)]))).toEqual(
      expected,
    );
    expect(series.get('dragoman_queue_oldest_placeholder_age_seconds')).toBeGreaterThanOrEqual(0);
    expect(series.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
    expect(series.get('dragoman_staging_limit_bytes')).toBeGreaterThan(0);
  });

  test('tell how many workers of a pool are busy, and how long the next job has waited for one', async () => {
    const pools = STUB_POOLS.map((pool) =>
      pool.name === 'audio' ? { ...pool, workers: 1, processorOptions: { delayMs: 60_000 } } : pool,
    );
    const { backend, get, staging } = await inspected({}, { pools });
    const link = await connected(backend.url);
    for (const seq of [1_000_000, 1_000_001]) {
      const note = mediaFrame(PERSON, 'listen');
      await acked(link, note);
      await writeFile(staging.pathOf(note.mediaGuid), 'OggS…');
      const staged = { bytes: 6, sha256: 'a'.repeat(64), mime_type: 'audio/ogg' };
      link.send({ type: 'media.staged', seq, guid: note.mediaGuid, ...staged });
    }
    const scraped = async (name: string) => seriesIn(await (await get('/metrics')).text()).get(name);
    await expect.poll(() => scraped('dragoman_workers_busy{pool="audio"}')).toBe(1);
    const age = 'dragoman_jobs_oldest_pending_age_seconds{pool="audio"}';
    await expect.poll(() => scraped(age)).toBeGreaterThan(0);
    expect(await scraped('dragoman_jobs_done_total{pool="audio"}')).toBeUndefined();
  });

  test('count evictions by what was exceeded', async () => {
    const events = new EventBus();
    const metrics = new Metrics(events);
    onTestFinished(() => metrics.close());
    const chat = { botId: BOT, providerName: 'simulator', correspondentId: PERSON };
    for (const reason of ['count', 'count', 'age'] as const)
      events.emit({ kind: 'evicted', chat, id: 1, reason });
    const series = seriesIn(await metrics.scrape());
    const evicted = (reason: string) =>
      series.get(`dragoman_messages_evicted_total{bot="${BOT}",reason="${reason}"}`);
    expect([evicted('count'), evicted('age'), evicted('characters')]).toEqual([2, 1, undefined]);
  });

  test('name no person and no chat, and are as many whatever number of chats there is', async () => {
    const { backend, watch, get } = await inspected();
    const link = await connected(backend.url);
    await acked(link, textFrame(PERSON, 'secret'));
    await watch.untilIngested(1);
    const before = await (await get('/metrics')).text();
    for (let chat = 0; chat < 50; chat += 1) await acked(link, textFrame(`${PERSON}-${chat}`, 'secret'));
    await watch.untilIngested(51);
    const after = await (await get('/metrics')).text();
    expect(after).not.toContain(PERSON);
    expect(after).not.toContain('secret');
    expect(ours(after)).toEqual(ours(before));
  });

  test('hide nothing else when the store is away', async () => {
    const { backend, store, get } = await inspected({}, { drainDeadlineMs: 50 });
    await connected(backend.url);
    await store.close();
    const series = seriesIn(await (await get('/metrics')).text());
    expect(series.get(`dragoman_bot_open{bot="${BOT}"}`)).toBe(1);
    expect(series.get('dragoman_actors{kind="bot"}')).toBe(1);
  });
});
