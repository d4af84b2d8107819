/** A media host in a process of its own: serves one encrypted file from memory, and tells its parent what it is. */
import { createCipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { MediaReference } from '../../src/gateway/received.ts';

export interface HostedFile {
  readonly origin: string;
  readonly media: MediaReference;
}

const MIB = 2 ** 20;
const sizeMib = Number(process.argv[2]);

const mediaKey = randomBytes(32);
const keys = Buffer.from(hkdfSync('sha256', mediaKey, '', 'WhatsApp Video Keys', 112));
const iv = keys.subarray(0, 16);
const cipher = createCipheriv('aes-256-cbc', keys.subarray(16, 48), iv);
const mac = createHmac('sha256', keys.subarray(48, 80)).update(iv);
const [plainHash, cipherHash] = [createHash('sha256'), createHash('sha256')];
const plain = randomBytes(MIB);
const chunks: Buffer[] = [];
const add = (ciphertext: Buffer): void => {
  mac.update(ciphertext);
  cipherHash.update(ciphertext);
  chunks.push(ciphertext);
};
for (let mib = 0; mib < sizeMib; mib += 1) {
  plainHash.update(plain);
  add(cipher.update(plain));
}
add(cipher.final());
const tag = mac.digest().subarray(0, 10);
cipherHash.update(tag);
chunks.push(tag);

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-length': chunks.reduce((sum, chunk) => sum + chunk.length, 0) });
  let next = 0;
  const write = (): void => {
    while (next < chunks.length) {
      next += 1;
      if (!response.write(chunks[next - 1])) return void response.once('drain', write);
    }
    response.end();
  };
  write();
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const hosted: HostedFile = {
    origin: `http://127.0.0.1:${port}`,
    media: {
      kind: 'video',
      cipher: 'video',
      mimeType: 'video/mp4',
      fileName: null,
      mediaKey: mediaKey.toString('base64'),
      directPath: '/video',
      fileSha256: plainHash.digest('base64'),
      fileEncSha256: cipherHash.digest('base64'),
      declaredBytes: sizeMib * MIB,
    },
  };
  process.send?.(hosted);
});
process.on('disconnect', () => process.exit());
