import { bareMimeType, mediaKindOf } from '../queue/media-kind.ts';

/** How much of a file's beginning the decision may look at. */
export const MEDIA_HEAD_BYTES = 4_096;

/** What a person would call it, as far as bytes can tell: a sticker is an image. */
type ByteKind = 'image' | 'video' | 'audio' | 'document';

interface Signature {
  /** The file's first bytes, one character each; `?` stands for any byte. */
  readonly magic: string;
  readonly mimeType: string;
  /** For a container: what else it may hold, so that the sender's word stands. */
  readonly mayHold?: { readonly kinds: readonly ByteKind[]; readonly types?: readonly string[] };
}

const SOUND_OR_PICTURES = { kinds: ['audio', 'video'] } as const;

/**
 * Read from the top, the first that fits counts. Signatures shorter than three bytes (MP3 and AAC frames, BMP) are
 * left out: chance would overrule the sender with them.
 */
const SIGNATURES: readonly Signature[] = [
  { magic: '\xFF\xD8\xFF', mimeType: 'image/jpeg' },
  { magic: '\x89PNG\r\n\x1A\n', mimeType: 'image/png' },
  { magic: 'GIF8', mimeType: 'image/gif' },
  { magic: 'II*\0', mimeType: 'image/tiff' },
  { magic: 'MM\0*', mimeType: 'image/tiff' },
  { magic: 'RIFF????WEBP', mimeType: 'image/webp' },
  { magic: 'RIFF????WAVE', mimeType: 'audio/wav' },
  { magic: 'RIFF????AVI ', mimeType: 'video/x-msvideo' },
  { magic: '????ftyphe', mimeType: 'image/heic' },
  { magic: '????ftypmif1', mimeType: 'image/heic' },
  { magic: '????ftypmsf1', mimeType: 'image/heic' },
  { magic: '????ftypavi', mimeType: 'image/avif' },
  { magic: '????ftypM4A', mimeType: 'audio/mp4', mayHold: SOUND_OR_PICTURES },
  { magic: '????ftyp3g', mimeType: 'video/3gpp', mayHold: SOUND_OR_PICTURES },
  { magic: '????ftypqt  ', mimeType: 'video/quicktime', mayHold: SOUND_OR_PICTURES },
  { magic: '????ftyp', mimeType: 'video/mp4', mayHold: SOUND_OR_PICTURES },
  { magic: '\x1A\x45\xDF\xA3', mimeType: 'video/webm', mayHold: SOUND_OR_PICTURES },
  {
    magic: 'OggS',
    mimeType: 'audio/ogg',
    mayHold: { kinds: ['audio', 'video'], types: ['application/ogg'] },
  },
  { magic: 'ID3', mimeType: 'audio/mpeg' },
  { magic: '#!AMR', mimeType: 'audio/amr' },
  { magic: 'fLaC', mimeType: 'audio/flac' },
  { magic: '\0\0\x01\xBA', mimeType: 'video/mpeg' },
  { magic: '%PDF-', mimeType: 'application/pdf' },
  { magic: '{\\rtf', mimeType: 'application/rtf' },
  { magic: 'PK\x03\x04', mimeType: 'application/zip' },
  { magic: 'PK\x05\x06', mimeType: 'application/zip' },
  { magic: '\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1', mimeType: 'application/x-ole-storage' },
  { magic: '\x1F\x8B\x08', mimeType: 'application/gzip' },
  { magic: '7z\xBC\xAF\x27\x1C', mimeType: 'application/x-7z-compressed' },
  { magic: 'Rar!\x1A\x07', mimeType: 'application/vnd.rar' },
  { magic: '\x7FELF', mimeType: 'application/x-executable' },
];

/** The type of what nobody knows anything about. */
export const UNKNOWN_TYPE = 'application/octet-stream';

const SAYS_NOTHING = new Set(['', UNKNOWN_TYPE, 'binary/octet-stream']);

/** Whether a sender's word is none: such a file can only be told by its first bytes. */
export const saysNothing = (sendersWord: string): boolean => SAYS_NOTHING.has(bareMimeType(sendersWord));

/**
 * The MIME type to process a file as, bare and in lower case. The sender's word stands unless the file's first bytes
 * show media of another kind (sound called a picture); `application/octet-stream` is no word at all.
 * Within a kind the sender knows better: a zip called a Word document is one.
 * `head`: the first `MEDIA_HEAD_BYTES` of the file, or fewer.
 */
export function decideMimeType(sendersWord: string, head: Uint8Array): string {
  const declared = bareMimeType(sendersWord);
  const signature = SIGNATURES.find(({ magic }) => startsWith(head, magic));
  if (signature === undefined) return declared === '' ? UNKNOWN_TYPE : declared;
  return !saysNothing(declared) && isCompatible(signature, declared) ? declared : signature.mimeType;
}

function isCompatible({ mimeType, mayHold }: Signature, declared: string): boolean {
  const kind = byteKindOf(declared);
  return (
    kind === byteKindOf(mimeType) ||
    (mayHold?.kinds.includes(kind) ?? false) ||
    (mayHold?.types?.includes(declared) ?? false)
  );
}

function byteKindOf(mimeType: string): ByteKind {
  const kind = mediaKindOf(mimeType);
  return kind === 'sticker' ? 'image' : kind;
}

function startsWith(head: Uint8Array, magic: string): boolean {
  for (let at = 0; at < magic.length; at += 1) {
    if (magic[at] !== '?' && magic.charCodeAt(at) !== head[at]) return false;
  }
  return true;
}
