import { DragomanError } from '../../src/base/errors.ts';
import type { BackendFrameBody } from '../../src/protocol/frames.ts';
import type { OpenLink } from '../../src/system/links/gateway-link.ts';
import { GATEWAY } from './inbound-frames.ts';

/** A link without a socket: keeps what it is told. */
export class TestLink implements OpenLink {
  readonly gatewayId: string;
  readonly sent: BackendFrameBody[] = [];
  failure: string | null = null;
  readonly #closing = new AbortController();

  constructor(gatewayId = GATEWAY) {
    this.gatewayId = gatewayId;
  }

  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  send(frame: BackendFrameBody): void {
    if (!this.signal.aborted) this.sent.push(frame);
  }

  fail(reason: string): void {
    this.failure ??= reason;
    this.close(reason);
  }

  close(reason: string): void {
    this.#closing.abort(new DragomanError('link_closed', reason));
  }
}
