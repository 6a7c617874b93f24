/** Tests run compiled, from dist (docs/architecture.md): one copy of every module, and worker threads find their files. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/dist/**/*.test.js', 'tests/dist/**/*.test.js'],
    exclude: ['**/node_modules/**'], // vitest's default would leave out dist
    pool: 'forks', // the addon lives in a process of its own per file
    maxWorkers: 3, // tests wait for files and processes a third of the time
    env: {
      OMP_WAIT_POLICY: 'passive', // idle threads of one file must not spin away the cores of the other
      RECLMIS_HOME: join(tmpdir(), `reclmis-tests-${process.pid}`), // no test depends on the user's weights
    },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', './scripts/vitest-summary.mjs'],
  },
});
