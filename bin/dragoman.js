#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node stops at the first `.ts` file, before it could say why.
const [major] = process.versions.node.split('.');

if (Number(major) < 24) {
  console.error(
    `dragoman needs Node 24 or newer, this is ${process.version}. ` +
      'Run it by `npm start` or `npx dragoman`, which use the Node that `npm ci` installed.',
  );
  process.exit(78);
}

// What one start compiled, the next one reads. Not in the temporary folder, which is Node's choice: others may write there,
// and leave code to be run. Imported this late because an older Node has no such export.
const { enableCompileCache } = await import('node:module');
enableCompileCache(`${import.meta.dirname}/../node_modules/.cache/node`);

const { main } = await import('../src/cli/main.ts');

// Everything of ours is closed by now; timers that Baileys leaves behind would keep the process for half a minute.
process.exit(await main(process.argv.slice(2)));
