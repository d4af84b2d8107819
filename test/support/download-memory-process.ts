/**
 * `node download-memory-process.ts FOLDER MIB`: downloads a small file, then one of so many MiB, and prints by how many MiB the
 * process's largest size grew over that.
 */
import { hostFile, LargeDownloads } from './large-downloads.ts';

const SMALL_MIB = 16;
const [dir = '', mib] = process.argv.slice(2);

const largestMib = (): number => process.resourceUsage().maxRSS / 1_024;

await using downloads = new LargeDownloads(dir);
using small = await hostFile(SMALL_MIB);
await downloads.download(small);
using large = await hostFile(Number(mib));
const before = largestMib();
await downloads.download(large);
console.log(Math.round(largestMib() - before));
