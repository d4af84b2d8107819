import type { ChatAddress } from '../system/administration.ts';
import type { ChatView, MessageView } from '../system/administration/views.ts';
import type { ConfigSources } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { dayAndTime, duration, oneLine, table } from './table.ts';
import { withBackend, withReadable } from './with-administration.ts';

export interface ChatsPage {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `dragoman chats list`. Resolves to the exit code. */
export const listChats = (
  sources: ConfigSources,
  botId: string,
  { limit, after, json }: ChatsPage,
): Promise<number> =>
  withReadable(sources, async ({ chats }) => {
    const page = await chats.list(botId, { limit, after });
    if (json === true) console.log(JSON.stringify(page));
    else if (page.items.length === 0) console.log('No chats.');
    else {
      console.log(table(['CHAT', 'NAME', 'NEXT PLACE', 'NEXT IN HISTORY', 'ALSO'], page.items.map(rowOf)));
      if (page.next !== null) console.log(`More: --after ${page.next}`);
    }
    return EXIT.ok;
  });

/** `dragoman chats show`: what waits in its places, and the end of the history. Resolves to the exit code. */
export const showChat = (
  sources: ConfigSources,
  address: ChatAddress,
  { limit, json }: { readonly limit: number; readonly json?: boolean | undefined },
): Promise<number> =>
  withReadable(sources, async ({ chats }) => {
    const chat = await chats.show(address);
    const [queue, history] = await Promise.all([chats.queue(address), chats.history(address, { limit })]);
    if (json === true) {
      console.log(JSON.stringify({ chat, queue, history }));
      return EXIT.ok;
    }
    const ingested = history.map(({ message }) => message).toReversed();
    const now = Date.now();
    console.log(
      `${chat.correspondentId}: ${queue.length} on the way, the next message gets place ${chat.nextId}`,
    );
    for (const message of [...ingested, ...queue].toSorted((one, other) => one.id - other.id)) {
      console.log(describe(message, ingested.includes(message), now));
    }
    return EXIT.ok;
  });

/** `dragoman chats forget`: for good. Resolves to the exit code. */
export const forgetChat = (sources: ConfigSources, address: ChatAddress, asJson: boolean): Promise<number> =>
  withBackend(sources, async ({ chats }) => {
    const { messages, jobs } = await chats.forget(address);
    if (asJson) console.log(JSON.stringify({ messages, jobs }));
    else console.log(`Forgotten: ${messages} messages, and ${jobs} media with their files.`);
    return EXIT.ok;
  });

const rowOf = ({ correspondentId, title, nextId, nextIngestSeq, aliases }: ChatView): readonly string[] => [
  correspondentId,
  title === null ? '-' : oneLine(title, 30),
  String(nextId),
  String(nextIngestSeq),
  aliases.filter((alias) => alias !== correspondentId).join(', '),
];

/** What is sent by hand, or by another program of the account, is not the bot's. */
function authorOf({ direction, source, sender }: MessageView): string {
  if (direction === 'outgoing') return source === 'bot' ? 'bot' : 'owner';
  return sender.displayName ?? sender.identifier;
}

function describe(message: MessageView, isIngested: boolean, now: number): string {
  const place = String(message.id).padStart(5);
  const time = dayAndTime(message.originatingTime ?? message.acceptedTime);
  const who = authorOf(message);
  if (message.mediaProcessingId === null) {
    return `${place} ${isIngested ? '✓' : '●'} ${time} ${oneLine(who, 30)}: ${oneLine(message.content)}`;
  }
  const age = duration(now - message.acceptedTime);
  return `${place} ◌ ${time} ${oneLine(who, 30)}: (${message.mimeType ?? 'media'}, for ${age}) ${oneLine(message.content)}`;
}
