import type { DragomanEvent, EventBus } from '../actors/events.ts';
import type { Logger } from '../base/log.ts';
import { traceOf } from '../base/trace.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import { isPlaceholder, type Message } from '../queue/message.ts';
import { rememberChatNames } from '../store/chat-name.ts';

export interface StateLogOptions {
  readonly events: EventBus;
  readonly log: Logger;
  /** Whether contents are logged too, at `trace`. */
  readonly content: boolean;
}

/**
 * One line for each change of a message's state in its chat, when it is durable: accepted, worded, ingested, evicted,
 * duplicate. What happens to its medium in between is logged where it happens, by GUID: staged, claimed, completed.
 * Returns what ends it.
 */
export function logStateChanges({ events, log, content }: StateLogOptions): () => void {
  const nameOf = rememberChatNames();
  const fieldsOf = (chat: CorrespondentKey, id: number): object => ({
    bot_id: chat.botId,
    chat: nameOf(chat),
    id,
  });
  const tell = (chat: CorrespondentKey, message: Message, what: string, more: object = {}): void => {
    const trace = traceOf(chat.botId, message.providerMessageId);
    log.info({ ...fieldsOf(chat, message.id), trace, ...more }, what);
    // Under a name that the logger does not redact: the operator asked for it.
    if (content) log.trace({ ...fieldsOf(chat, message.id), trace, words: message.content }, what);
  };
  return events.listen((event: DragomanEvent): void => {
    switch (event.kind) {
      case 'accepted': {
        const { message } = event;
        if (!isPlaceholder(message)) return tell(event.chat, message, 'message accepted');
        const { mediaProcessingId: guid, mimeType } = message;
        return tell(event.chat, message, 'placeholder accepted', { guid, mime_type: mimeType });
      }
      case 'fulfilled':
        return tell(event.chat, event.message, 'placeholder settled', {
          guid: event.guid,
          failed: event.failed,
          after_ms: event.message.readyTime - event.message.acceptedTime,
        });
      case 'ingested':
        for (const message of event.messages) tell(event.chat, message, 'message ingested');
        return;
      case 'evicted':
        return log.info({ ...fieldsOf(event.chat, event.id), reason: event.reason }, 'message evicted');
      case 'forgotten':
        return log.info({ bot_id: event.chat.botId, chat: nameOf(event.chat) }, 'chat forgotten');
      case 'duplicate':
        return log.info(fieldsOf(event.chat, event.id), 'duplicate dropped');
      case 'bot':
      case 'queue':
      case 'rehydrated':
      case 'job_done':
    }
  });
}
