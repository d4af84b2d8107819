/** The queue in memory: what one operation costs, beside the raw deque that it could never be faster than. */
import Denque from 'denque';
import { newGuid } from '../src/base/ids.ts';
import { CorrespondentQueue } from '../src/queue/correspondent-queue.ts';
import { DEFAULT_LIMITS, SKIP_POP, type QueueLimits } from '../src/queue/limits.ts';
import type { MessageDraft } from '../src/queue/message.ts';
import { placeText } from '../src/queue/place.ts';
import { textDraft } from '../test/support/drafts.ts';
import { measure, printTable, row, type Measurement, type Row } from './measure.ts';

const START = 1_700_000_000_000;
const DEPTH = 50;
const PLACEHOLDERS = 40;
const HOT = 1_000_000;
const CHATS = 100_000;
const CHAT_DEPTH = 20;

const TEXT = textDraft('ola, tudo bem? segue a foto do comprovante', {
  sender: { identifier: '5511999000001@s.whatsapp.net', displayName: 'Ana', alternateIdentifiers: [] },
  originatingTime: START,
  providerMessageId: '3EB0000000000000000000',
});
const picture = (): MessageDraft => ({ ...TEXT, mediaProcessingId: newGuid(), mimeType: 'image/jpeg' });

const limitedTo = (maxMessages: number): QueueLimits => ({
  ...DEFAULT_LIMITS,
  maxMessages,
  maxCharacters: 1_000_000_000,
  maxPlaceholders: 1_000_000,
});

const emptyQueue = (limits: QueueLimits): CorrespondentQueue =>
  new CorrespondentQueue({ limits, ordering: SKIP_POP, nextId: 1, messages: [], onReady: () => {} });

/** A queue with `placeholders` in front of `texts`. */
function queueOf(maxMessages: number, placeholders: number, texts: number): CorrespondentQueue {
  const queue = emptyQueue(limitedTo(maxMessages));
  for (let index = 0; index < placeholders; index += 1) queue.add(picture(), START);
  for (let index = 0; index < texts; index += 1) queue.add(TEXT, START);
  return queue;
}

function addMany(queue: CorrespondentQueue): void {
  for (let index = 0; index < HOT; index += 1) queue.add(TEXT, START + index);
}

function filledDenque(): Denque<object> {
  const denque = new Denque<object>();
  for (let index = 0; index < DEPTH; index += 1) denque.push(TEXT);
  return denque;
}

/** Numerical Recipes' linear congruential generator: the same chats in every round. */
function* randomChats(count: number): Generator<number> {
  let state = 1;
  for (let index = 0; index < count; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    yield (state >>> 0) % CHATS;
  }
}
const chatOrder = Uint32Array.from(randomChats(HOT));

const rows = [
  row({
    name: 'denque push + shift',
    operations: HOT * 10,
    prepare: filledDenque,
    run(denque) {
      for (let index = 0; index < HOT * 10; index += 1) {
        denque.push(TEXT);
        denque.shift();
      }
    },
  }),
  row({
    name: 'add + evict',
    operations: HOT,
    prepare: () => queueOf(DEPTH, 0, DEPTH),
    run: addMany,
  }),
  row({
    name: `add + evict behind ${PLACEHOLDERS} placeholders`,
    operations: HOT,
    prepare: () => queueOf(DEPTH, PLACEHOLDERS, DEPTH),
    run: addMany,
  }),
  row({
    name: 'add + popReady',
    operations: HOT,
    prepare: () => queueOf(DEPTH, 0, DEPTH - 1),
    run(queue) {
      for (let index = 0; index < HOT; index += 1) {
        queue.add(TEXT, START + index);
        queue.popReady(START + index);
      }
    },
  }),
  row({
    name: 'popReady',
    operations: HOT / 10,
    prepare: () => queueOf(HOT, 0, HOT / 10),
    run(queue) {
      for (let index = 0; index < HOT / 10; index += 1) queue.popReady(START);
    },
  }),
  row({
    name: 'evict, all by one tick',
    operations: HOT / 10,
    prepare: () => queueOf(HOT, 0, HOT / 10),
    run: (queue) => {
      queue.tick(START + 3 * 86_400_000);
    },
  }),
  row({
    name: `fulfil one of ${PLACEHOLDERS} + popReady + add the next`,
    operations: HOT / 10,
    prepare: () => {
      const queue = emptyQueue(limitedTo(DEPTH));
      const pictures = Array.from({ length: PLACEHOLDERS }, picture);
      for (const draft of pictures) queue.add(draft, START);
      return { queue, pictures };
    },
    run({ queue, pictures }) {
      for (let round = 0; round < HOT / 10 / PLACEHOLDERS; round += 1) {
        for (const draft of pictures) {
          queue.fulfil(draft.mediaProcessingId ?? '', 'a receipt', START + round);
          queue.popReady(START + round);
          queue.add(draft, START + round);
        }
      }
    },
  }),
  row({
    name: 'mixed, per message: 8 texts, 1 picture, its words, 9 popped',
    operations: HOT / 10,
    prepare: () => ({ queue: emptyQueue(limitedTo(DEPTH)), draft: picture() }),
    run({ queue, draft }) {
      for (let round = 0; round < HOT / 10 / 9; round += 1) {
        for (let text = 0; text < 4; text += 1) queue.add(TEXT, START);
        queue.add(draft, START);
        for (let text = 0; text < 4; text += 1) queue.add(TEXT, START);
        queue.fulfil(draft.mediaProcessingId ?? '', 'a receipt', START);
        while (queue.popReady(START).kind === 'popped');
      }
    },
  }),
];

/** 100,000 of something that rows use round after round. */
function scattered<T>(name: string, make: () => T, use: (one: T, time: number) => void): Row<unknown> {
  const all = Array.from({ length: CHATS }, make);
  let time = START;
  return row({
    name,
    operations: HOT,
    prepare: () => all,
    run() {
      for (const chat of chatOrder) {
        const one = all[chat];
        if (one !== undefined) use(one, (time += 1));
      }
    },
  });
}

const scatteredRows = [
  () =>
    scattered(
      `the same messages in bare denques of ${CHAT_DEPTH}`,
      () => new Denque<object>(),
      (denque, time) => {
        denque.push(placeText(TEXT, TEXT.content, { id: time - START, acceptedTime: time }));
        if (denque.length > CHAT_DEPTH) denque.shift();
      },
    ),
  () =>
    scattered(
      `add, queues of ${CHAT_DEPTH}`,
      () => emptyQueue(limitedTo(CHAT_DEPTH)),
      (queue, time) => queue.add(TEXT, time),
    ),
  () =>
    scattered(
      'add + popReady',
      () => emptyQueue(limitedTo(CHAT_DEPTH)),
      (queue, time) => {
        queue.add(TEXT, time);
        queue.popReady(time);
      },
    ),
];

export async function run(): Promise<void> {
  printTable(await measure(rows), 'denque push + shift');
  console.log(`\n${CHATS.toLocaleString('en')} queues at random`);
  const measurements: Measurement[] = [];
  // One after the other: what the one keeps in memory would slow the collector of the next.
  for (const makeRow of scatteredRows) measurements.push(...(await measure([makeRow()], 3)));
  printTable(measurements);
}
