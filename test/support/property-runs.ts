const DEEP_FACTOR = 50;

/** How often a property runs: `quick` times, or many times that in the deep run (`npm run test:deep`). */
export const runs = (quick: number): number =>
  process.env['DRAGOMAN_DEEP'] === '1' ? quick * DEEP_FACTOR : quick;
