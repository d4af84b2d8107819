import { describe, expect, test } from 'vitest';
import { AddressBook } from '../../../src/actors/address-book.ts';

describe('an address book', () => {
  test('finds the chat that all identifiers lead to', () => {
    const book = new AddressBook(10);
    book.learn('p', ['lid', 'phone'], 'lid');
    expect(book.find('p', ['phone'])).toBe('lid');
    expect(book.find('p', ['phone', 'lid'])).toBe('lid');
  });

  test('does not know when one is unknown, they disagree, or another provider is asked for', () => {
    const book = new AddressBook(10);
    book.learn('p', ['lid'], 'lid');
    book.learn('p', ['other'], 'other');
    expect(book.find('p', ['lid', 'new'])).toBeNull();
    expect(book.find('p', ['lid', 'other'])).toBeNull();
    expect(book.find('q', ['lid'])).toBeNull();
  });

  test('A1: keeps as many identifiers as it may, the latest learnt', () => {
    const book = new AddressBook(2);
    book.learn('p', ['one'], 'one');
    book.learn('p', ['two'], 'two');
    book.learn('p', ['one'], 'one');
    book.learn('p', ['three'], 'three');
    expect(['one', 'two', 'three'].map((name) => book.find('p', [name]))).toEqual(['one', null, 'three']);
  });

  test('A2: forgets every way to a chat that was joined to another', () => {
    const book = new AddressBook(10);
    book.learn('p', ['phone', 'name'], 'phone');
    book.learn('p', ['lid'], 'lid');
    book.learn('p', ['lid', 'phone'], 'lid');
    expect(book.find('p', ['phone'])).toBe('lid');
    expect(book.find('p', ['name'])).toBeNull();
  });
});
