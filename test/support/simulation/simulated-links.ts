import { GatewayLink, LINK_LIMITS } from '../../../src/system/links/gateway-link.ts';
import type { LinkServer, LinkServerOptions } from '../../../src/system/links/link-server.ts';
import { TokenBucket } from '../../../src/system/links/token-bucket.ts';
import { SimulatedWire, type WireEar, type WireOptions } from './simulated-wire.ts';

/** A backend's port for gateways, without sockets: the links on it are the real ones. */
export class SimulatedLinks implements LinkServer {
  readonly url = 'ws://simulated/gateway';
  readonly #options: LinkServerOptions;
  readonly #wireOptions: WireOptions;
  readonly #links = new Map<GatewayLink, SimulatedWire>();
  #draining = false;

  constructor(options: LinkServerOptions, wireOptions: WireOptions) {
    this.#options = options;
    this.#wireOptions = wireOptions;
  }

  /** Null: nobody takes the call. */
  dial(gatewayId: string, ear: WireEar): SimulatedWire | null {
    if (this.#draining) return null;
    const { handler, clock, log } = this.#options;
    const wire = new SimulatedWire(this.#wireOptions, ear);
    const allowance = new TokenBucket(clock, LINK_LIMITS.control);
    const options = { gatewayId, handler, limits: LINK_LIMITS, allowance, clock, log };
    const link = new GatewayLink(wire.socket, options);
    this.#links.set(link, wire);
    wire.once('close', () => this.#links.delete(link));
    return wire;
  }

  /** The process died. */
  kill(): void {
    this.#draining = true;
    for (const wire of this.#links.values()) wire.backendDied();
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all(Array.from(this.#links.keys(), (link) => link.drain()));
  }

  async close(): Promise<void> {
    this.#draining = true;
    const links = [...this.#links.keys()];
    for (const link of links) link.close('the backend stops');
    await Promise.all(links.map((link) => link.ended));
  }
}
