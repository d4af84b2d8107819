import type { MediaType, proto } from '@whiskeysockets/baileys';
import type { MediaFault } from '../../src/simulator/media-fault.ts';
import { type UploadedMedium, uploadMedium } from '../../src/simulator/media-upload.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';

/** A medium on the simulator's host, for messages that no person's `say` makes. */
export const uploaded = (
  simulator: Simulator,
  bytes: Buffer,
  cipher: MediaType = 'image',
  fault: MediaFault | null = null,
): Promise<UploadedMedium> => uploadMedium(simulator.media, bytes, cipher, fault);

/** The same medium in everything that WhatsApp is known to wrap one in, by name. */
export function wrappings(image: proto.Message.IImageMessage): Readonly<Record<string, proto.IMessage>> {
  const imageMessage = { mimetype: 'image/jpeg', ...image };
  const message = { imageMessage };
  return {
    ephemeral: { ephemeralMessage: { message } },
    'view once': { viewOnceMessage: { message } },
    'view once, version 2': { viewOnceMessageV2: { message } },
    'view once, version 2 extension': { viewOnceMessageV2Extension: { message } },
    'view once, ephemeral': { ephemeralMessage: { message: { viewOnceMessageV2: { message } } } },
    'document with caption': { documentWithCaptionMessage: { message } },
    'group mentioned': { groupMentionedMessage: { message } },
    'forwarded by a bot': { botForwardedMessage: { message } },
    'bot invoked': { botInvokeMessage: { message } },
    'lottie sticker': { lottieStickerMessage: { message } },
    'picture of an event': { eventCoverImage: { message } },
    'child of an album': {
      messageContextInfo: { messageAssociation: { associationType: 1, parentMessageKey: { id: 'ALBUM' } } },
      associatedChildMessage: { message },
    },
    'header of buttons': { buttonsMessage: { imageMessage, contentText: 'pick one', headerType: 4 } },
    'header of a template': {
      templateMessage: { hydratedTemplate: { imageMessage, hydratedContentText: 'sale' } },
    },
    'header of an interactive message': {
      interactiveMessage: { header: { imageMessage, hasMediaAttachment: true }, body: { text: 'tap' } },
    },
    'picture of a product': { productMessage: { product: { title: 'Chair', productImage: imageMessage } } },
  };
}
