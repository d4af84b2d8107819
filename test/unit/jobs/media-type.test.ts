import { describe, expect, test } from 'vitest';
import { decideMimeType } from '../../../src/jobs/media-type.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

const JPEG = bytes('\xFF\xD8\xFF\xE0\0\x10JFIF');
const OGG = bytes('OggS\0\x02');
const MP4 = bytes('\0\0\0\x20ftypisom');
const HEIC = bytes('\0\0\0\x18ftypheic');
const ZIP = bytes('PK\x03\x04\x14\0');
const OLE = bytes('\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1');
const EBML = bytes('\x1A\x45\xDF\xA3');
const WEBP = bytes('RIFF\x10\0\0\0WEBPVP8 ');
const WAVE = bytes('RIFF\x10\0\0\0WAVEfmt ');
const PDF = bytes('%PDF-1.7');
const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

describe('bytes of another kind beat the sender’s word', () => {
  test.each([
    ['audio/ogg', JPEG, 'image/jpeg'],
    ['image/jpeg', PDF, 'application/pdf'],
    ['image/png', MP4, 'video/mp4'],
    ['audio/mp4', HEIC, 'image/heic'],
    ['image/jpeg', ZIP, 'application/zip'],
    ['video/mp4', OLE, 'application/x-ole-storage'],
    ['application/pdf', EBML, 'video/webm'],
    ['audio/wav', WEBP, 'image/webp'],
    ['image/webp', WAVE, 'audio/wav'],
    ['text/plain', OGG, 'audio/ogg'],
    ['image/jpeg', bytes('\x7FELF\x02'), 'application/x-executable'],
  ])('%s is %s', (declared, head, decided) => {
    expect(decideMimeType(declared, head)).toBe(decided);
  });
});

describe('the sender’s word stands', () => {
  test.each([
    ['within a kind', 'image/png', JPEG],
    ['for a sticker, which is an image', 'image/webp', JPEG],
    ['for a picture in sticker format', 'image/jpeg', WEBP],
    ['for an office file in a zip', DOCX, ZIP],
    ['for an office file in an OLE storage', 'application/msword', OLE],
    ['for sound in an mp4', 'audio/mp4', MP4],
    ['for sound in EBML', 'audio/webm', EBML],
    ['for pictures in an ogg', 'video/ogg', OGG],
    ['for an ogg of unsaid content', 'application/ogg', OGG],
    ['for bytes that no table knows', 'image/jpeg', bytes('hello')],
    ['for an empty file', 'image/jpeg', bytes('')],
    ['for a RIFF of unknown form', 'audio/midi', bytes('RIFF\0\0\0\0RMID')],
    ['for bytes cut within their signature', 'audio/ogg', bytes('\x89PNG')],
  ])('%s', (_, declared, head) => {
    expect(decideMimeType(declared, head)).toBe(declared);
  });
});

test.each([
  ['\xFF\xD8\xFF\xE0', 'image/jpeg'],
  ['\x89PNG\r\n\x1A\n', 'image/png'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['II*\0', 'image/tiff'],
  ['MM\0*', 'image/tiff'],
  ['RIFF\x10\0\0\0WEBPVP8 ', 'image/webp'],
  ['RIFF\x10\0\0\0WAVEfmt ', 'audio/wav'],
  ['RIFF\x10\0\0\0AVI LIST', 'video/x-msvideo'],
  ['\0\0\0\x18ftypheic', 'image/heic'],
  ['\0\0\0\x18ftypmif1', 'image/heic'],
  ['\0\0\0\x18ftypmsf1', 'image/heic'],
  ['\0\0\0\x18ftypavif', 'image/avif'],
  ['\0\0\0\x18ftypM4A ', 'audio/mp4'],
  ['\0\0\0\x18ftyp3gp4', 'video/3gpp'],
  ['\0\0\0\x14ftypqt  ', 'video/quicktime'],
  ['\0\0\0\x18ftypmp42', 'video/mp4'],
  ['\x1A\x45\xDF\xA3', 'video/webm'],
  ['OggS\0\x02', 'audio/ogg'],
  ['ID3\x04\0', 'audio/mpeg'],
  ['#!AMR\n', 'audio/amr'],
  ['#!AMR-WB\n', 'audio/amr'],
  ['fLaC\0\0\0\x22', 'audio/flac'],
  ['\0\0\x01\xBA\x44', 'video/mpeg'],
  ['%PDF-1.7', 'application/pdf'],
  ['{\\rtf1\\ansi', 'application/rtf'],
  ['PK\x03\x04\x14\0', 'application/zip'],
  ['PK\x05\x06\0\0', 'application/zip'],
  ['\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1', 'application/x-ole-storage'],
  ['\x1F\x8B\x08\0', 'application/gzip'],
  ['7z\xBC\xAF\x27\x1C', 'application/x-7z-compressed'],
  ['Rar!\x1A\x07\x01\0', 'application/vnd.rar'],
  ['\x7FELF\x02\x01', 'application/x-executable'],
])('a file that begins with %j is %s', (head, decided) => {
  expect(decideMimeType('application/octet-stream', bytes(head))).toBe(decided);
  expect(decideMimeType('chemical/x-pdb', bytes(`\n${head}`))).toBe('chemical/x-pdb');
});

test('a word that says nothing yields to whatever is recognised', () => {
  expect(decideMimeType('application/octet-stream', PDF)).toBe('application/pdf');
  expect(decideMimeType('', ZIP)).toBe('application/zip');
  expect(decideMimeType('', bytes('hello'))).toBe('application/octet-stream');
});

test('the type comes out bare and in lower case', () => {
  expect(decideMimeType('Audio/OGG; codecs=opus', OGG)).toBe('audio/ogg');
});
