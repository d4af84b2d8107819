import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  getBinaryNodeChildString,
  S_WHATSAPP_NET,
} from '@whiskeysockets/baileys';
import type { LinkedDevice } from './account.ts';
import { addressOf, type Group } from './chat.ts';
import type { Directory } from './directory.ts';
import type { EventLog } from './event-log.ts';
import { identityOf } from './identity.ts';
import type { Person } from './person.ts';
import { bundleNode } from './pre-keys.ts';

const NOT_FOUND = 404;
/** Bots take media from the origin in the simulator's endpoint; this is what WhatsApp itself would say. */
const MEDIA_HOSTNAME = 'mmg.whatsapp.net';

export interface QueryContext {
  readonly device: LinkedDevice;
  readonly directory: Directory;
  readonly events: EventLog;
}

/** Answers one `<iq>` of a logged-in bot. What bots ask only for politeness gets an empty result. */
export async function answerQuery(iq: BinaryNode, context: QueryContext): Promise<BinaryNode> {
  const content = await answersByNamespace[iq.attrs['xmlns'] ?? '']?.(iq, context);
  if (content === NOT_FOUND) {
    const error = { tag: 'error', attrs: { code: String(NOT_FOUND), text: 'item-not-found' } };
    return { tag: 'iq', attrs: { ...replyAttributes(iq), type: 'error' }, content: [error] };
  }
  return queryResult(iq, content ?? undefined);
}

export const queryResult = (iq: BinaryNode, content?: BinaryNode[]): BinaryNode => ({
  tag: 'iq',
  attrs: { ...replyAttributes(iq), type: 'result' },
  ...(content && { content }),
});

const replyAttributes = ({ attrs }: BinaryNode) => ({
  from: attrs['to'] ?? S_WHATSAPP_NET,
  id: attrs['id'] ?? '',
});

type Answer = BinaryNode[] | typeof NOT_FOUND | null;

const answersByNamespace: Record<
  string,
  (iq: BinaryNode, context: QueryContext) => Answer | Promise<Answer>
> = {
  encrypt: answerKeyQuery,
  usync: answerDeviceQuery,
  'w:g2': answerGroupQuery,
  'w:sync:app:state': answerAppStateQuery,
  'w:m': () => [
    {
      tag: 'media_conn',
      attrs: { auth: 'simulated', ttl: '300', max_buckets: '12' },
      content: [node('host', { hostname: MEDIA_HOSTNAME })],
    },
  ],
  abt: () => [node('props')],
  blocklist: () => [node('list')],
  privacy: (iq) => (getBinaryNodeChild(iq, 'tokens') ? null : [node('privacy')]),
};

async function answerKeyQuery(iq: BinaryNode, { device, directory, events }: QueryContext): Promise<Answer> {
  const { preKeys, account, jid } = device;
  if (getBinaryNodeChild(iq, 'count')) return [node('count', { value: String(preKeys.count) })];
  if (getBinaryNodeChild(iq, 'digest')) return [node('digest')];
  const request = getBinaryNodeChild(iq, 'key');
  if (request) return [node('list', {}, await bundlesFor(request, directory))];
  if (getBinaryNodeChild(iq, 'rotate')) preKeys.rotate(iq);
  if (getBinaryNodeChild(iq, 'registration')) {
    preKeys.upload(iq);
    events.append({
      type: 'keys_uploaded',
      bot: account.identity.phone,
      device: jid,
      count: preKeys.count,
    });
  }
  return null;
}

async function bundlesFor(request: BinaryNode, directory: Directory): Promise<BinaryNode[]> {
  const found: BinaryNode[] = [];
  for (const { attrs } of getBinaryNodeChildren(request, 'user')) {
    const jid = attrs['jid'];
    const bundle = jid ? await directory.bundleOf(jid) : null;
    if (jid && bundle) found.push(bundleNode(jid, bundle));
  }
  return found;
}

/** Which devices people have, by what other name they go, and whether a number is at WhatsApp at all. */
function answerDeviceQuery(iq: BinaryNode, { directory }: QueryContext): Answer {
  const usync = getBinaryNodeChild(iq, 'usync');
  const protocols = getBinaryNodeChild(usync, 'query')?.content;
  const asked = new Set(Array.isArray(protocols) ? protocols.map(({ tag }) => tag) : []);
  const users = getBinaryNodeChildren(getBinaryNodeChild(usync, 'list'), 'user').map((user) => {
    const contact = getBinaryNodeChildString(user, 'contact');
    const jid = user.attrs['jid'] ?? identityOf((contact ?? '').replace('+', '')).pn;
    const person = directory.personOf(jid);
    return node(
      'user',
      { jid },
      person ? protocolNodes(person, jid, asked, directory) : strangerNodes(asked),
    );
  });
  return [node('usync', {}, [node('list', {}, users)])];
}

function protocolNodes(person: Person, jid: string, asked: Set<string>, directory: Directory): BinaryNode[] {
  const nodes: BinaryNode[] = [];
  if (asked.has('contact')) nodes.push(node('contact', { type: 'in' }));
  if (asked.has('lid') && jid !== person.identity.lid) nodes.push(node('lid', { val: person.identity.lid }));
  if (asked.has('devices')) {
    const devices = directory.devicesOf(person).map((number) => {
      const id = String(number);
      return node('device', number === 0 ? { id } : { id, 'key-index': id });
    });
    nodes.push(node('devices', {}, [node('device-list', {}, devices)]));
  }
  return nodes;
}

const strangerNodes = (asked: Set<string>): BinaryNode[] =>
  asked.has('contact') ? [node('contact', { type: 'out' })] : [];

/** Settings that the account's devices share: there are none, and so nothing is new. */
function answerAppStateQuery(iq: BinaryNode): Answer {
  const asked = getBinaryNodeChildren(getBinaryNodeChild(iq, 'sync'), 'collection');
  const collections = asked.map(({ attrs: { name = '', version = '0' } }) =>
    node('collection', { name, version, has_more_patches: 'false' }),
  );
  return [node('sync', {}, collections)];
}

function answerGroupQuery(iq: BinaryNode, { device, directory }: QueryContext): Answer {
  const mine = directory.groups.filter(({ accounts }) => accounts.includes(device.account));
  if (getBinaryNodeChild(iq, 'participating')) return [node('groups', {}, mine.map(groupNode))];
  const group = mine.find(({ jid }) => jid === iq.attrs['to']);
  return group ? [groupNode(group)] : NOT_FOUND;
}

function groupNode(group: Group): BinaryNode {
  const { jid, name, addressing, members, accounts } = group;
  const created = String(Math.floor(group.createdAt / 1_000));
  const participants = [...accounts.map(({ owner }) => owner), ...members].map(({ identity }) =>
    node('participant', {
      jid: addressOf(identity, addressing),
      ...(addressing === 'lid' ? { phone_number: identity.pn } : { lid: identity.lid }),
    }),
  );
  const attrs = { id: jid, subject: name, s_t: created, creation: created, addressing_mode: addressing };
  return node('group', attrs, participants);
}

const node = (tag: string, attrs: BinaryNode['attrs'] = {}, content?: BinaryNode[]): BinaryNode => ({
  tag,
  attrs,
  ...(content && { content }),
});
