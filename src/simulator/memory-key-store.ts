import type { SignalDataSet, SignalDataTypeMap, SignalKeyStore } from '@whiskeysockets/baileys';

/** Signal keys that are nowhere but in memory. */
export class MemoryKeyStore implements SignalKeyStore {
  /** By type and id, with a slash between. */
  protected readonly values = new Map<string, unknown>();

  get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]): { [id: string]: SignalDataTypeMap[T] } {
    const found: { [id: string]: SignalDataTypeMap[T] } = {};
    for (const id of ids) {
      const value = this.values.get(`${type}/${id}`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type's name says what `set` was given
      if (value !== undefined) found[id] = value as SignalDataTypeMap[T];
    }
    return found;
  }

  set(data: SignalDataSet): void {
    for (const [type, entries] of Object.entries(data)) {
      for (const [id, value] of Object.entries(entries)) {
        if (value === null) this.values.delete(`${type}/${id}`);
        else this.values.set(`${type}/${id}`, value);
      }
    }
  }
}
