/** Tests run compiled, from dist (docs/architecture.md): one copy of every module, and worker threads find their files. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Tests that leave nothing behind in their process: files share one, and load its modules once. */
const SHARED = [
  'packages/{core,files,data,runtime,server,cli}/dist/**/*.test.js',
  'packages/lab/dist/{ablate,config,data,evaluate,plan,plots,run,runs,text,watch,weights}/**/*.test.js',
];
const MODULES = '**/node_modules/**';

export default defineConfig({
  test: {
    exclude: [MODULES], // vitest's default would leave out dist
    pool: 'forks',
    maxWorkers: 3, // on two cores: tests wait for files and processes a third of the time
    env: {
      OMP_WAIT_POLICY: 'passive', // idle threads of one file must not spin away the cores of the other
      RECLMIS_HOME: join(tmpdir(), `reclmis-tests-${process.pid}`), // no test depends on the user's weights
    },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', './scripts/vitest-summary.mjs'],
    projects: [
      { extends: true, test: { name: 'shared', isolate: false, include: SHARED } },
      {
        extends: true, // the addon lives in a process of its own per file
        test: {
          name: 'alone',
          include: ['{packages/*,tests,bench}/dist/**/*.test.js'],
          exclude: [MODULES, ...SHARED],
        },
      },
    ],
  },
});
