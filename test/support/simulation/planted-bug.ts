import type { MemoryDatabase } from '../memory-store/memory-database.ts';
import type { Store } from '../../../src/store/store.ts';
import type { LinkHandler } from '../../../src/system/links/gateway-link.ts';
import type { LinkServer } from '../../../src/system/links/link-server.ts';
import type { Mishap } from './scenario.ts';
import type { SimulatedFolder } from './simulated-folder.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface BugGround {
  readonly database: MemoryDatabase;
  readonly folder: SimulatedFolder;
  readonly time: VirtualTime;
  /** False once the process that has the bug died. */
  readonly isAlive: () => boolean;
  /** Says that the data changed, as the store does for its own calls. */
  readonly changed: () => void;
}

/** A part of Dragoman as somebody might have got it wrong. */
export interface PlantedBug {
  /** Without which it does no harm: conversations in which it happens often find the bug sooner. */
  readonly emphasis?: Mishap['kind'];
  readonly store?: (store: Store, ground: BugGround) => Partial<Store>;
  readonly handler?: (handler: LinkHandler) => LinkHandler;
  readonly links?: (links: LinkServer) => LinkServer;
}
