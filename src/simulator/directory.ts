import { DragomanError } from '../base/errors.ts';
import { Account } from './account.ts';
import type { Group } from './chat.ts';
import { type AddressingMode, decodeJid, type Identity, identityOf } from './identity.ts';
import { Person, type PersonProfile, type Surroundings } from './person.ts';
import type { KeyBundle } from './pre-keys.ts';
import { SeededRandom } from './seeded-random.ts';

export interface PersonOptions {
  /** Default: one that depends on seed and name. */
  readonly phone?: string | undefined;
  /** The name that bots know the person by in a chat of two; default `pn`. */
  readonly addressing?: AddressingMode | undefined;
}

export interface GroupProfile {
  readonly name: string;
  readonly members: readonly Person[];
  readonly accounts: readonly Account[];
  readonly addressing: AddressingMode;
}

/** Who is at this WhatsApp: accounts that bots are linked to, other people, and groups. */
export class Directory {
  readonly #surroundings: Surroundings;
  readonly #seed: string;
  readonly #accounts = new Map<string, Account>();
  readonly #people = new Map<string, Person>();
  readonly #groups = new Map<string, Group>();
  /** By the user part of either JID; owners of accounts included. */
  readonly #byUser = new Map<string, Person>();

  constructor(surroundings: Surroundings, seed: string) {
    this.#surroundings = surroundings;
    this.#seed = seed;
  }

  get accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  get people(): readonly Person[] {
    return [...this.#people.values()];
  }

  get groups(): readonly Group[] {
    return [...this.#groups.values()];
  }

  /** The account of a phone number, made when it is new. */
  account(phone: string): Account {
    const known = this.#accounts.get(phone);
    if (known) return known;
    const owner = this.#newPerson({ name: 'Owner', identity: identityOf(phone), addressing: 'pn' });
    const account = new Account(owner.identity, owner);
    this.#accounts.set(phone, account);
    return account;
  }

  knownAccount(phone: string): Account | null {
    return this.#accounts.get(phone) ?? null;
  }

  /** The person of a name, made when new: with a phone number that depends on seed and name alone. */
  person(name: string, { phone, addressing = 'pn' }: PersonOptions = {}): Person {
    const known = this.#people.get(name);
    if (known) return known;
    const identity = identityOf(phone ?? `49151${this.#random(`phone of ${name}`).digits(8)}`);
    const person = this.#newPerson({ name, identity, addressing });
    this.#people.set(name, person);
    return person;
  }

  /** Makes a group, or one of the same name anew with other members. */
  addGroup({ name, members, accounts, addressing }: GroupProfile): Group {
    const jid = `120363${this.#random(`group ${name}`).digits(12)}@g.us`;
    const createdAt = this.#surroundings.clock.now();
    const group: Group = { kind: 'group', jid, name, members, accounts, addressing, createdAt };
    this.#groups.set(name, group);
    return group;
  }

  groupNamed(name: string): Group | null {
    return this.#groups.get(name) ?? null;
  }

  groupOf(jid: string): Group | null {
    return this.groups.find((group) => group.jid === jid) ?? null;
  }

  /** Who goes by a JID, whichever of the two names it is and whatever device it names; null for a stranger. */
  personOf(jid: string): Person | null {
    return this.#byUser.get(decodeJid(jid).user) ?? null;
  }

  /** The numbers of a person's devices: 0, the phone, and the linked ones. */
  devicesOf({ identity }: Person): readonly number[] {
    return [0, ...(this.knownAccount(identity.phone)?.devices.keys() ?? [])];
  }

  /** Keys for a first message to one device; null when there is no such device. */
  async bundleOf(jid: string): Promise<KeyBundle | null> {
    const person = this.personOf(jid);
    if (!person) return null;
    const { device } = decodeJid(jid);
    if (device === 0) return person.party.offerBundle();
    const linked = this.knownAccount(person.identity.phone)?.devices.get(device);
    return linked?.preKeys.isFilled ? linked.preKeys.take() : null;
  }

  close(): void {
    for (const person of this.#byUser.values()) person.close();
  }

  #newPerson(profile: PersonProfile): Person {
    const users = usersOf(profile.identity);
    if (users.some((user) => this.#byUser.has(user))) {
      throw new DragomanError('already_in_use', 'expected a phone number that nobody else has');
    }
    const person = new Person(profile, this.#surroundings, this.#random(profile.name));
    for (const user of users) this.#byUser.set(user, person);
    return person;
  }

  #random(name: string): SeededRandom {
    return new SeededRandom(this.#seed, name);
  }
}

const usersOf = ({ pn, lid }: Identity): string[] => [pn, lid].map((jid) => decodeJid(jid).user);
