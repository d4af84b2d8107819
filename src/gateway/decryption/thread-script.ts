/** The thread that decrypts large files beside the one that receives them; see `DecryptionThread`. */
import { parentPort, type Transferable } from 'node:worker_threads';
import { MediaDecryption } from './media-decryption.ts';
import type { DecryptionAnswer, DecryptionOrder } from './messages.ts';

const files = new Map<number, MediaDecryption>();

function answer(message: DecryptionAnswer, handedOver: readonly Transferable[]): void {
  parentPort?.postMessage(message, [...handedOver]);
}

function decrypt(file: number, batch: ArrayBuffer, bytes: number): void {
  const decrypted = files.get(file)?.update(new Uint8Array(batch, 0, bytes)) ?? Buffer.alloc(0);
  // A small result may lie in a buffer that others share.
  const { buffer } = decrypted;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === decrypted.byteLength;
  const plain = isWhole ? new Uint8Array(buffer) : new Uint8Array(decrypted);
  answer({ kind: 'plain', file, plain, batch }, [plain.buffer, batch]);
}

parentPort?.on('message', (order: DecryptionOrder) => {
  const { file } = order;
  switch (order.kind) {
    case 'begin': {
      const decryption = MediaDecryption.begin(order.proof);
      if (decryption !== null) files.set(file, decryption);
      return;
    }
    case 'update':
      return decrypt(file, order.batch, order.bytes);
    case 'end': {
      const end = files.get(file)?.end() ?? ({ kind: 'damaged', reason: 'bad_content' } as const);
      files.delete(file);
      return answer({ kind: 'ended', file, end }, []);
    }
    case 'drop':
      files.delete(file);
  }
});
