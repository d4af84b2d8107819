import { DragomanError } from '../../base/errors.ts';

/** The number in the `next` of the page before. @throws `request_invalid` */
export function numberIn(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new DragomanError('request_invalid', 'after: expected the `next` of the page before');
}
