#!/usr/bin/env node
// The reclmis command. The program is packages/cli/src/main.ts, compiled.
let run;
try {
  run = await import('../dist/main.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write('error ADDON_MISSING: this clone is not set up yet\nremedy: Run `npm run setup`.\n');
  process.exit(5);
}
process.exitCode = await run.main(process.argv.slice(2));
