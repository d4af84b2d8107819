/** One of the two threads that decrypt large files beside the one that receives them; see `DecryptionThreads`. */
import { parentPort, workerData } from 'node:worker_threads';
import { BatchRing } from './batch-ring.ts';
import { MediaContent } from './media-content.ts';
import type { MediaProof } from './media-proof.ts';
import { MediaSeal } from './media-seal.ts';
import type { DecryptionAnswer, DecryptionOrder, ThreadRole } from './messages.ts';

/** What this thread does of one file. */
interface Part {
  update(file: number, ciphertext: Uint8Array): DecryptionAnswer;
  end(file: number, tag: Uint8Array): DecryptionAnswer;
}

const begin: Readonly<Record<ThreadRole, (proof: MediaProof) => Part>> = {
  seal(proof) {
    const seal = new MediaSeal(proof);
    return {
      update(file, ciphertext) {
        seal.update(ciphertext);
        return { kind: 'proved', file };
      },
      end: (file, tag) => ({ kind: 'sealed', file, damage: seal.end(tag) }),
    };
  },
  content(proof) {
    const content = new MediaContent(proof);
    return {
      update: (file, ciphertext) => ({
        kind: 'decrypted',
        file,
        plain: inItsOwn(content.update(ciphertext)),
      }),
      end: (file) => ({ kind: 'ended', file, end: content.end() }),
    };
  },
};

/** A small result may lie in a buffer that others share, which cannot be handed over. */
function inItsOwn(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  return isWhole ? new Uint8Array(buffer) : new Uint8Array(bytes);
}

function answer(message: DecryptionAnswer): void {
  parentPort?.postMessage(message, message.kind === 'decrypted' ? [message.plain.buffer] : []);
}

const role: ThreadRole = workerData;
const files = new Map<number, { readonly part: Part; readonly ring: BatchRing }>();

parentPort?.on('message', (order: DecryptionOrder) => {
  const { kind, file } = order;
  if (kind === 'begin') {
    return void files.set(file, { part: begin[role](order.proof), ring: new BatchRing(order.ring) });
  }
  const begun = files.get(file);
  if (begun === undefined) return;
  const { part, ring } = begun;
  if (kind === 'update') return answer(part.update(file, ring.next().subarray(0, order.bytes)));
  files.delete(file);
  if (kind === 'end') answer(part.end(file, order.tag));
});
