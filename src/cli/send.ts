import { DragomanError } from '../base/errors.ts';
import type { SendRequest } from '../system/outbox.ts';
import type { ConfigSources } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { withBackend } from './with-administration.ts';

/** `dragoman send`: done when WhatsApp has the text. Resolves to the exit code. */
export const send = (sources: ConfigSources, request: SendRequest, asJson: boolean): Promise<number> =>
  withBackend(sources, async (administration) => {
    const result = await administration.send(request);
    if (asJson) console.log(JSON.stringify(result));
    if (result.kind === 'sent') {
      if (!asJson) console.log(`Sent: ${result.providerMessageId}`);
      return EXIT.ok;
    }
    if (asJson) return EXIT.failed;
    throw new DragomanError(
      result.code,
      `${result.reason}. Asked again with --request-id ${result.requestId}, the text is not sent twice`,
    );
  });
