import { z } from 'zod';

/**
 * What a gateway needs to use a simulator instead of WhatsApp; served at `GET /endpoint.json`.
 *
 * Before its first socket a gateway pins the simulator's key, once per process:
 * `WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootPublicKey, 'base64')`. It passes `socketUrl` to Baileys as
 * `waWebSocketUrl`, and takes media from `mediaOrigin` + `directPath` only.
 */
export const simulatorEndpoint = z.object({
  socketUrl: z.url(),
  mediaOrigin: z.url(),
  rootPublicKey: z.base64(),
  /** With true, a gateway may itself post every QR code that it gets to `<mediaOrigin>/scan`. */
  autoScan: z.boolean(),
});

export type SimulatorEndpoint = z.infer<typeof simulatorEndpoint>;
