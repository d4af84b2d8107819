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
    const { code, reason, requestId } = result;
    const mayFollow = code === 'send_failed' || code === 'deadline_exceeded';
    throw new DragomanError(
      code,
      mayFollow
        ? `${reason}. Asked again with --request-id ${requestId}, the text is not sent twice`
        : reason,
    );
  });
