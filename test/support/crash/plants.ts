import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newGuid } from '../../../src/base/ids.ts';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import type { StagedMedia } from '../../../src/store/message-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { LOCAL_GATEWAY } from '../../../src/system/config/atoms.ts';
import { acceptMedia, acceptText, mediaMetadata, placeholderMessage, textMessage } from '../store-records.ts';
import type { CrashStore } from './crash-store.ts';
import type { Plant } from './failpoint-names.ts';
import { STRICT_BOT } from './growing-old.ts';

/** A chat that was planted, and what has to be in its history in the end, in the order of places. */
export interface Planted {
  readonly key: CorrespondentKey;
  readonly expected: readonly RegExp[];
}

const TWO_DAYS_MS = 2 * 86_400_000;
const PROVIDER = 'whatsapp-baileys';
const IMAGE: StagedMedia = {
  mimeType: 'image/jpeg',
  pool: 'image',
  media: mediaMetadata({ gatewayId: LOCAL_GATEWAY }),
};

/** Puts into a store, which no process has open, what no conversation leaves there. */
export class Plants {
  readonly #crashStore: CrashStore;
  readonly #stagingFolder: string;
  readonly planted: Planted[] = [];

  constructor(crashStore: CrashStore, folder: string) {
    this.#crashStore = crashStore;
    this.#stagingFolder = path.join(folder, 'staging');
  }

  async plant(plant: Plant): Promise<void> {
    const store = await this.#crashStore.open();
    try {
      this.planted.push(await this.#plant(plant, store));
    } finally {
      await store.close();
    }
  }

  /** The strict bot is not to be linked. */
  async stopStrictBot(): Promise<void> {
    const store = await this.#crashStore.open();
    await store.saveBot({
      botId: STRICT_BOT,
      providerName: PROVIDER,
      gatewayId: LOCAL_GATEWAY,
      createdAt: Date.now(),
      stopped: true,
      pairingPhone: null,
      settings: null,
      removed: false,
    });
    await store.close();
  }

  async #plant(plant: Plant, store: Store): Promise<Planted> {
    switch (plant) {
      case 'lost place': {
        const { key, nextId } = await this.#chat(store, 'main');
        await this.#loseMedium(store, key, nextId);
        return { key, expected: [/^\[Transcripted image .*\] a caption$/] };
      }
      case 'taken place': {
        const { key, nextId } = await this.#chat(store, 'main');
        const text = textMessage(nextId, { content: 'it took the place' });
        await store.accept(acceptText(key, text));
        await store.ingest({ correspondent: key, messages: [text], now: Date.now() });
        await this.#loseMedium(store, key, nextId + 1);
        await this.#crashStore.displace(key, nextId, nextId + 1);
        return { key, expected: [/^it took the place$/] };
      }
      case 'stale': {
        const { key, nextId } = await this.#chat(store, STRICT_BOT);
        const old = Date.now() - TWO_DAYS_MS;
        const medium = placeholderMessage(nextId, newGuid(), { acceptedTime: old });
        await store.accept(
          acceptMedia(key, medium, {
            start: { kind: 'downloading' },
            gatewayId: LOCAL_GATEWAY,
            collection: 'holding',
          }),
        );
        await store.accept(acceptText(key, textMessage(nextId + 1, { acceptedTime: old, readyTime: old })));
        return { key, expected: [/^\[Media processing failed: stale placeholder cleanup\] a caption$/] };
      }
    }
  }

  async #loseMedium(store: Store, key: CorrespondentKey, id: number): Promise<void> {
    const guid = newGuid();
    await writeFile(path.join(this.#stagingFolder, guid), 'an image');
    await store.accept(
      acceptMedia(key, placeholderMessage(id, guid), {
        mimeType: IMAGE.mimeType,
        start: { kind: 'staged', media: IMAGE },
        gatewayId: LOCAL_GATEWAY,
        collection: 'holding',
      }),
    );
    await this.#crashStore.lose(key, id);
  }

  async #chat(store: Store, botId: string): Promise<{ key: CorrespondentKey; nextId: number }> {
    const name = `planted-${this.planted.length + 1}@lid`;
    const { providerName, correspondentId } = await store.resolveCorrespondent(botId, PROVIDER, [name]);
    const key = { botId, providerName, correspondentId };
    // Above those of every chat that was forgotten.
    return { key, nextId: (await store.rehydrate(key)).nextId };
  }
}
