import { stripVTControlCharacters } from 'node:util';
import QRCode from 'qrcode';

/** How a person links a bot. `columns`: of the terminal; undefined where it is none, and nothing wraps lines; 0 where it cannot tell. */
export async function howToScan(
  botId: string,
  qr: string,
  columns: number | undefined = process.stdout.columns,
): Promise<string> {
  const code = await QRCode.toString(qr, { type: 'terminal', small: true });
  const [firstLine = ''] = code.split('\n', 1);
  const width = stripVTControlCharacters(firstLine).length;
  if (columns !== undefined && columns > 0 && columns < width) {
    return (
      `Link ${botId}: its QR code is ${width} columns wide, and this terminal ${columns}. ` +
      'Make it wider: the next code is shown within a minute.'
    );
  }
  return `Link ${botId}: WhatsApp on the phone → Settings → Linked devices → Link a device, and scan:\n${code}`;
}
