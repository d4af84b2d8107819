import { type proto, toNumber } from '@whiskeysockets/baileys';
import { bracketed, choices, type Content, type Describers, lines, words } from './content.ts';
import { mediaIn, type MediaHolder } from './media-reference.ts';
import { describeLocation } from './social-content.ts';

/** What shops and bots send: templates, buttons, lists and their answers, products and payments. */
export const BUSINESS_CONTENT: Describers = {
  templateMessage: describeTemplate,
  highlyStructuredMessage: (node) =>
    node.hydratedHsm ? describeTemplate(node.hydratedHsm) : words(bracketed('Template', node.elementName)),
  buttonsMessage: (node) =>
    withHeader(
      node,
      lines(
        node.text,
        node.contentText,
        node.footerText,
        choices(node.buttons?.map((button) => button.buttonText?.displayText)),
      ),
    ),
  interactiveMessage: describeInteractive,
  listMessage: (node) => {
    const rows = node.sections?.flatMap((section) => section.rows ?? []).map((row) => row.title);
    return words(lines(node.title, node.description, node.footerText, choices(rows)));
  },
  buttonsResponseMessage: (node) => words(node.selectedDisplayText || node.selectedButtonId),
  templateButtonReplyMessage: (node) => words(node.selectedDisplayText || node.selectedId),
  listResponseMessage: (node) =>
    words(lines(node.title, node.description) || node.singleSelectReply?.selectedRowId),
  interactiveResponseMessage: (node) =>
    words(node.body?.text || bracketed('Answered a form', node.nativeFlowResponseMessage?.name)),
  productMessage: (node) => withHeader({ productMessage: node }, ''),
  orderMessage: (node) => {
    const items = toNumber(node.itemCount) > 0 ? `${toNumber(node.itemCount)} items` : null;
    return words(lines(bracketed('Order', node.orderTitle, items), node.message));
  },
  invoiceMessage: (node) => words(lines('[Invoice]', node.note)),
  sendPaymentMessage: (node) => words(lines('[Payment]', note(node.noteMessage))),
  requestPaymentMessage: (node) => words(lines('[Payment request]', note(node.noteMessage))),
};

/** Whatever a header may carry besides its title. */
type Header = MediaHolder &
  Pick<proto.Message.InteractiveMessage.IHeader, 'locationMessage' | 'productMessage'>;

/** A header's medium with the text as its caption, or the text alone. */
function withHeader(header: Header, text: string): Content {
  const { productMessage } = header;
  if (productMessage) {
    const imageMessage = productMessage.product?.productImage ?? null;
    return withHeader({ imageMessage }, lines(describeProduct(productMessage), text));
  }
  const found = mediaIn(header);
  if (found !== null) return { kind: 'media', media: found.media, caption: lines(found.caption, text) };
  return words(lines(header.locationMessage ? describeLocation(header.locationMessage) : null, text));
}

function describeTemplate(node: proto.Message.ITemplateMessage): Content {
  if (node.interactiveMessageTemplate) return describeInteractive(node.interactiveMessageTemplate);
  const hydrated = node.hydratedTemplate ?? node.hydratedFourRowTemplate;
  if (hydrated) {
    const buttons = hydrated.hydratedButtons?.map(
      ({ quickReplyButton, urlButton, callButton }) =>
        (quickReplyButton ?? urlButton ?? callButton)?.displayText,
    );
    const { hydratedTitleText, hydratedContentText, hydratedFooterText } = hydrated;
    const text = lines(hydratedTitleText, hydratedContentText, hydratedFooterText, choices(buttons));
    return withHeader(hydrated, text || '[Template]');
  }
  return withHeader(
    node.fourRowTemplate ?? {},
    bracketed('Template', node.fourRowTemplate?.content?.elementName),
  );
}

function describeInteractive(node: proto.Message.IInteractiveMessage): Content {
  const { header, body, footer } = node;
  const text = lines(header?.title, header?.subtitle, body?.text, footer?.text);
  const cards = node.carouselMessage?.cards ?? [];
  const titles = cards.map((card) => card.body?.text ?? card.header?.title);
  // A message has one medium: of several cards the first picture stands for them all.
  const headers = [header, ...cards.map((card) => card.header)].flatMap((each) => each ?? []);
  const shown = headers.find((each) => each.productMessage || mediaIn(each) !== null) ?? header ?? {};
  return withHeader(shown, lines(text, choices(titles)) || '[Interactive message]');
}

const describeProduct = ({ product, body, footer }: proto.Message.IProductMessage): string =>
  lines(bracketed('Product', product?.title), product?.description, body, footer);

const note = (message: proto.IMessage | null | undefined): string | null | undefined =>
  message?.conversation ?? message?.extendedTextMessage?.text;
