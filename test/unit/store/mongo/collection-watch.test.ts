import type { Collection } from 'mongodb';
import { expect, test } from 'vitest';
import { CollectionWatch } from '../../../../src/store/mongo/collection-watch.ts';
import { gate } from '../../../support/actor-kit.ts';
import { hastyClock } from '../../../support/hasty-clock.ts';
import { RecordingLogger } from '../../../support/recording-logger.ts';

interface Change {
  readonly fullDocument: { readonly name: string };
}

/** A change stream that the test ends. */
class TestStream implements AsyncDisposable {
  closes = 0;
  readonly #name: string;
  readonly #end = gate();

  constructor(name: string) {
    this.#name = name;
  }

  end(): void {
    this.#end.open();
  }

  async tryNext(): Promise<null> {
    return null;
  }

  async close(): Promise<void> {
    this.closes += 1;
    this.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Change> {
    yield { fullDocument: { name: this.#name } };
    await this.#end.passed;
    throw new Error('the collection was dropped');
  }
}

/** A watch of a collection whose streams the test ends. */
function bench() {
  const streams: TestStream[] = [];
  const heard: string[] = [];
  const log = new RecordingLogger();
  const collection = {
    collectionName: 'jobs',
    watch() {
      const stream = new TestStream(`job ${streams.length + 1}`);
      streams.push(stream);
      return stream;
    },
  };
  const watch = new CollectionWatch<Change['fullDocument']>({
    collection: collection as unknown as Collection<Change['fullDocument']>,
    changes: [],
    clock: hastyClock(),
    log,
    pollMs: 10,
    changed: ({ name }) => heard.push(name),
    lookAround: async () => void heard.push('looked around'),
  });
  return { streams, heard, log, watch };
}

test('W1: a watch whose stream ends looks around, and follows another one', async () => {
  const { streams, heard, watch, log } = bench();
  await expect.poll(() => heard).toEqual(['looked around', 'job 1']);
  streams[0]?.end();
  await expect.poll(() => heard.slice(2)).toEqual(['looked around', 'looked around', 'job 2']);
  expect(log.at('warn')).toHaveLength(1);
  await watch.close();
});

test('a watch holds on to no stream but the one that it follows', async () => {
  const { streams, heard, watch } = bench();
  for (const which of [1, 2, 3]) {
    await expect.poll(() => heard).toContain(`job ${which}`);
    if (which < 3) streams[which - 1]?.end();
  }
  await watch.close();
  expect(streams.map(({ closes }) => closes)).toEqual([0, 0, 1]);
});
