import { z } from 'zod';

export const atLeastOne = z.number().int().min(1);
export const milliseconds = z.number().int().min(0);
export const gatewayId = z.string().min(1).max(64);

/** The gateway that runs in the backend's own process. */
export const LOCAL_GATEWAY = 'local';
