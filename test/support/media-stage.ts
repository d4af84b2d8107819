import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway-options.ts';
import type { GatewaySettings } from '../../src/gateway/settings.ts';
import type { Account } from '../../src/simulator/account.ts';
import type { SentMessage } from '../../src/simulator/person.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { stagingFolderIn, startLiveGateway } from './live-gateway.ts';
import { scratchFolder } from './scratch-folder.ts';
import { type FrameOf, ScriptedBackend } from './scripted-backend.ts';

export type MediaEnd = FrameOf<'media.staged'> | FrameOf<'media.corrupt'>;

/** A medium's announcement, and how it ended. */
export interface MediaStory {
  readonly announced: FrameOf<'inbound'>['message'];
  readonly end: MediaEnd;
}

/** Whether and how the phone of a bot's account uploads media again. */
export type Phone = 'answers' | 'refuses' | 'is offline' | 'answers late';
export const PHONES: readonly Phone[] = ['answers', 'refuses', 'is offline', 'answers late'];

/** A phone that answers late does so when nobody waits for that any more. */
const LATE_BY_MS = 500;

/** Short, so that a test sees every deadline pass, and yet longer than a busy machine takes for what passes none. */
export const SHORT_DEADLINES: Partial<GatewaySettings> = {
  maxFileBytes: 512 * 1024,
  idleTimeoutMs: 1_200,
  downloadTimeoutMs: 3_000,
  reuploadTimeoutMs: 8_000,
  maxConcurrentDownloads: 64,
};

/** A live gateway with one bot per kind of phone, between a simulated WhatsApp and a scripted backend. */
export class MediaStage {
  readonly simulator: Simulator;
  readonly backend: ScriptedBackend;
  readonly gateway: Gateway;
  readonly #folder: string;
  readonly #numbers: ReadonlyMap<Phone, string>;

  private constructor(simulator: Simulator, backend: ScriptedBackend, gateway: Gateway, folder: string) {
    this.simulator = simulator;
    this.backend = backend;
    this.gateway = gateway;
    this.#folder = folder;
    this.#numbers = new Map(PHONES.map((phone, index) => [phone, String(4_915_550_000_001 + index)]));
  }

  static async start(settings: Partial<GatewaySettings> = SHORT_DEADLINES): Promise<MediaStage> {
    const dir = await scratchFolder();
    const [simulator, backend] = await Promise.all([startSimulator(), ScriptedBackend.start()]);
    onTestFinished(() => simulator.close());
    onTestFinished(() => backend.close());
    const gateway = await startLiveGateway({
      dir,
      backendUrl: backend.url,
      token: backend.token,
      simulator: simulator.endpoint.mediaOrigin,
      settings,
    });
    onTestFinished(() => gateway.stop());
    const stage = new MediaStage(simulator, backend, gateway, stagingFolderIn(dir));
    await stage.#pairAll(settings.reuploadTimeoutMs ?? 0);
    return stage;
  }

  numberOf(phone: Phone): string {
    const number = this.#numbers.get(phone);
    if (number === undefined) throw new Error(`expected a bot whose phone ${phone}`);
    return number;
  }

  /** Resolves when the medium is staged or given up. */
  storyOf({ messageId }: SentMessage): Promise<MediaStory> {
    return this.backend.until(() => {
      const announced = this.backend
        .ofType('inbound')
        .find(({ message }) => message.provider_message_id === messageId)?.message;
      const guid = announced?.media_processing_id;
      const end = guid === undefined ? undefined : this.endsOf(guid)[0];
      return announced !== undefined && end !== undefined && { announced, end };
    });
  }

  endsOf(guid: string): readonly MediaEnd[] {
    const ends = [...this.backend.ofType('media.staged'), ...this.backend.ofType('media.corrupt')];
    return ends.filter((end) => end.guid === guid);
  }

  /** The SHA-256 of every file in the staging folder, in hex, by name; the gateway's lock is left out. */
  async files(): Promise<Readonly<Record<string, string>>> {
    const names = (await readdir(this.#folder)).filter((name) => !name.startsWith('.'));
    const hashes = await Promise.all(
      names.map(async (name) => {
        const bytes = await readFile(path.join(this.#folder, name));
        return [name, createHash('sha256').update(bytes).digest('hex')] as const;
      }),
    );
    return Object.fromEntries(hashes);
  }

  /**
   * What is wrong with the stage after all is over, one line each: a medium that did not end exactly once, a file that
   * is missing, wrong or left over, a download that still runs.
   */
  async problems(sent: readonly SentMessage[]): Promise<readonly string[]> {
    const hashes = new Map(sent.map(({ messageId, sha256 }) => [messageId, sha256]));
    const files = new Map(Object.entries(await this.files()));
    const problems: string[] = [];
    for (const { message } of this.backend.ofType('inbound')) {
      const { media_processing_id: guid, provider_message_id: id } = message;
      if (guid === undefined) continue;
      const ends = this.endsOf(guid);
      if (ends.length !== 1) problems.push(`${guid} ended ${ends.length} times`);
      const wanted = ends[0]?.type === 'media.staged' ? hashes.get(id) : undefined;
      if (files.get(guid) !== wanted) problems.push(`${guid} has ${files.get(guid)}, not ${wanted}`);
      files.delete(guid);
    }
    for (const name of files.keys()) problems.push(`${name} is left over`);
    const { runningDownloads, waitingDownloads } = this.gateway.snapshot();
    if (runningDownloads + waitingDownloads > 0) problems.push('downloads are still going on');
    return problems;
  }

  async #pairAll(reuploadTimeoutMs: number): Promise<void> {
    const { backend, simulator } = this;
    await backend.untilFrames('hello');
    for (const [index, phone] of PHONES.entries()) {
      const account: Account = simulator.account(this.numberOf(phone));
      account.phoneOnline = phone !== 'is offline';
      account.reuploadOutcome = phone === 'refuses' ? 'not_found' : 'success';
      account.reuploadDelayMs = phone === 'answers late' ? reuploadTimeoutMs + LATE_BY_MS : 0;
      const botId = `bot-${index}`;
      const isOf = (status: FrameOf<'bot.status'>): boolean => status.bot_id === botId;
      backend.send({ type: 'bot.start', bot_id: botId, config: { media_storage_quota_gb: 1 } });
      const { qr = '' } = await backend.until(() =>
        backend.ofType('bot.status').find((status) => isOf(status) && status.qr !== undefined),
      );
      await simulator.scan(qr, account.identity.phone);
      await backend.until(() =>
        backend.ofType('bot.status').some((status) => isOf(status) && status.state === 'open'),
      );
    }
  }
}
