/**
 * A reply that is still being made while its actor already handles the next message: what a router returns, so that
 * it is never serial on a slow child.
 */
export class Later<Reply> {
  readonly reply: Promise<Reply>;

  constructor(reply: Promise<Reply>) {
    this.reply = reply;
  }
}

/** Lets the mailbox go on at once; the caller gets what `reply` settles to. */
export const later = <Reply>(reply: Promise<Reply>): Later<Reply> => new Later(reply);
