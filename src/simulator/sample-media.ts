import { oggOpusSilence } from './ogg-opus.ts';

export const SAMPLE_KINDS = ['image', 'voice', 'video', 'document', 'sticker'] as const;
export type SampleKind = (typeof SAMPLE_KINDS)[number];

export interface SampleMedium {
  readonly bytes: Buffer;
  readonly mimeType: string;
  readonly fileName: string;
}

/** One pixel each; decoders accept them, and ignore what follows the end. */
const JPEG = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////' +
    '////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
  'base64',
);
const WEBP = Buffer.from('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA', 'base64');

/**
 * A tiny file of a kind: what its first bytes say agrees with its MIME type. Longer ones are filled up to
 * `minBytes` with `filler(count)`.
 */
export function makeSampleMedia(
  kind: SampleKind,
  { minBytes = 0, filler = zeros }: { minBytes?: number; filler?: (count: number) => Buffer } = {},
): SampleMedium {
  const { bytes, ...names } = samples[kind]();
  return { ...names, bytes: Buffer.concat([bytes, filler(Math.max(0, minBytes - bytes.length))]) };
}

const zeros = (count: number): Buffer => Buffer.alloc(count);

const samples: Record<SampleKind, () => SampleMedium> = {
  image: () => ({ bytes: JPEG, mimeType: 'image/jpeg', fileName: 'picture.jpg' }),
  voice: () => ({ bytes: oggOpusSilence(), mimeType: 'audio/ogg; codecs=opus', fileName: 'voice-note.ogg' }),
  video: () => ({ bytes: emptyMp4(), mimeType: 'video/mp4', fileName: 'video.mp4' }),
  document: () => ({ bytes: onePagePdf(), mimeType: 'application/pdf', fileName: 'document.pdf' }),
  sticker: () => ({ bytes: WEBP, mimeType: 'image/webp', fileName: 'sticker.webp' }),
};

/** A file type box, a movie header without tracks, and an empty data box. */
function emptyMp4(): Buffer {
  const header = Buffer.alloc(100);
  header.writeUInt32BE(1_000, 12);
  header.writeUInt32BE(0x0001_0000, 20);
  header.writeUInt16BE(0x0100, 24);
  header.writeUInt32BE(1, 96);
  return Buffer.concat([
    box('ftyp', Buffer.from('isom\0\0\x02\0isomiso2mp41', 'latin1')),
    box('moov', box('mvhd', header)),
    box('mdat', Buffer.alloc(0)),
  ]);
}

function box(type: string, content: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(header.length + content.length, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, content]);
}

function onePagePdf(): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>',
  ];
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  const start = text.length;
  text += `xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R >>\n`;
  return Buffer.from(`${text}startxref\n${start}\n%%EOF\n`, 'latin1');
}
