import { describe, expect, test } from 'vitest';
import { bareMimeType, corruptMimeType, MEDIA_KINDS, mediaKindOf } from '../../../src/queue/media-kind.ts';

describe('the kind of media', () => {
  test.each([
    ['image/jpeg', 'image'],
    ['image/webp', 'sticker'],
    ['Video/MP4', 'video'],
    ['audio/ogg; codecs=opus', 'audio'],
    ['application/pdf', 'document'],
    ['text/plain', 'document'],
    ['', 'document'],
  ])('%s is %s', (mimeType, kind) => {
    expect(mediaKindOf(mimeType)).toBe(kind);
  });

  test.each(MEDIA_KINDS)('corrupt media of kind %s keep their kind', (kind) => {
    expect(mediaKindOf(corruptMimeType(kind))).toBe(kind);
  });

  test('a bare MIME type has neither parameters nor capitals', () => {
    expect(bareMimeType(' Audio/OGG ; codecs=opus')).toBe('audio/ogg');
  });
});
