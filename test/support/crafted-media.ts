import { type MediaType, proto } from '@whiskeysockets/baileys';
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

/** Every field of the schema that holds a message of its own: ephemeral, view-once, edited and so on. */
const WRAPPERS: readonly string[] = Object.keys(proto.Message.prototype).filter(
  (field) => wrappedIn(field, { conversation: 'x' }) !== null,
);

/** Null when `field` holds no message of its own. */
function wrappedIn(field: string, message: proto.IMessage): proto.IMessage | null {
  try {
    const wrapped = proto.Message.fromObject({ [field]: { message } });
    return JSON.stringify(wrapped).includes('"message":{') ? wrapped : null;
  } catch {
    return null;
  }
}

/** The same message in everything that WhatsApp is known to wrap one in, by name. */
export const wrappings = (message: proto.IMessage): Readonly<Record<string, proto.IMessage>> => ({
  ...Object.fromEntries(WRAPPERS.map((field) => [field, wrappedIn(field, message) ?? {}])),
  'view once, ephemeral': { ephemeralMessage: { message: { viewOnceMessageV2: { message } } } },
  'child of an album': {
    messageContextInfo: { messageAssociation: { associationType: 1, parentMessageKey: { id: 'ALBUM' } } },
    associatedChildMessage: { message },
  },
});

/** Whatever a header may carry. */
export type HeaderMedium = Pick<proto.IMessage, 'imageMessage' | 'videoMessage' | 'documentMessage'>;

/** The same medium in the header of everything that has one, with `text` beside it, by name. */
export const headersWith = (
  medium: HeaderMedium,
  text: string,
): Readonly<Record<string, proto.IMessage>> => ({
  buttons: { buttonsMessage: { ...medium, contentText: text } },
  template: { templateMessage: { hydratedTemplate: { ...medium, hydratedContentText: text } } },
  'template of four rows': {
    templateMessage: { hydratedFourRowTemplate: { ...medium, hydratedContentText: text } },
  },
  'interactive template': {
    templateMessage: { interactiveMessageTemplate: { header: medium, body: { text } } },
  },
  'template of a shop': {
    highlyStructuredMessage: { hydratedHsm: { hydratedTemplate: { ...medium, hydratedContentText: text } } },
  },
  interactive: { interactiveMessage: { header: medium, body: { text } } },
  carousel: {
    interactiveMessage: { body: { text }, carouselMessage: { cards: [{ header: medium }] } },
  },
});
