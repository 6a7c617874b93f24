#!/usr/bin/env node
// The reclmis command. The program is packages/cli/src/main.ts, compiled.
const [major, minor] = process.versions.node.split('.').map(Number);
if (!(major >= 24 || (major === 22 && minor >= 13) || (major === 20 && minor >= 19))) {
  process.stderr.write(
    `error NODE_UNSUPPORTED: expected Node 20.19, 22.13, 24 or later, got ${process.versions.node}\n` +
      'remedy: Install a current Node (https://nodejs.org); in a clone, run `npm run setup` again afterwards.\n',
  );
  process.exit(5);
}
let run;
try {
  run = await import('../dist/main.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write('error ADDON_MISSING: this clone is not set up yet\nremedy: Run `npm run setup`.\n');
  process.exit(5);
}
process.exitCode = await run.main(process.argv.slice(2));
