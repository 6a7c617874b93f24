/** The boundary check finds each kind of offence; the repository has none. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const sandbox = mkdtempSync(join(tmpdir(), 'reclmis-boundaries-'));
afterAll(() => rmSync(sandbox, { recursive: true, force: true }));

const TABLE = `
| folder | lives there | may import |
| --- | --- | --- |
| \`packages/core\` | pure | nothing internal, no \`node:\` |
| \`packages/files\` | files | core |
| \`packages/torch\` | tensors | core |
| \`packages/lab\` | the model | core, torch |

| folder | lives there | may import |
| --- | --- | --- |
| \`lab/low\` | low | nothing |
| \`lab/high\` | high | low |
| \`lab/plots\` | plots | nothing |
`;

interface Boundaries {
  readonly checkBoundaries: (root: string) => {
    readonly files: number;
    readonly offences: readonly string[];
  };
}
const { checkBoundaries } = (await import(
  new URL('../../scripts/check-boundaries.mjs', import.meta.url).href
)) as Boundaries;

let serial = 0;

/** @returns the offences of these sources (path below packages -> text) */
function check(sources: Readonly<Record<string, string>>, row = ''): readonly string[] {
  const place = join(sandbox, String(++serial));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text);
  };
  write('docs/architecture.md', TABLE.replace('\n\n|', `\n${row}\n\n|`));
  write('package.json', JSON.stringify({ devDependencies: { vitest: '1' } }));
  for (const name of ['core', 'files', 'torch', 'lab']) {
    write(
      `packages/${name}/package.json`,
      JSON.stringify({
        dependencies: name === 'files' ? { sharp: '1' } : name === 'lab' ? { sharp: '1', left: '1' } : {},
      }),
    );
  }
  for (const [path, text] of Object.entries(sources)) write(`packages/${path}`, text);
  return checkBoundaries(place).offences;
}

describe('check-boundaries', () => {
  it('passes what the table allows', () => {
    const errors = check({
      'core/src/a.ts': `import { b } from './b.js';`,
      'core/src/a.test.ts': `import { it } from 'vitest'; import 'node:fs';`,
      'torch/src/a.test.ts': `import { x } from '@reclmis/core/testing';`,
      'torch/src/a.ts': `import 'node:fs'; import { x } from '@reclmis/core';`,
      'files/src/sharp-engine.ts': `import { y } from '@reclmis/core'; const sharp = await import('sharp');`,
    });
    expect(errors).toEqual([]);
  });

  it.each([
    ['upwards', 'torch/src/a.ts', `import { x } from '@reclmis/lab';`, 'packages/torch may import: core'],
    ['node in core', 'core/src/a.ts', `import 'node:fs';`, 'browser-safe'],
    ['a package in core', 'core/src/a.ts', `export { left } from 'left';`, 'browser-safe'],
    ['a type', 'core/src/a.ts', `import type { T } from '@reclmis/torch';`, 'nothing internal'],
    ['a dynamic import', 'torch/src/a.ts', `const lab = () => import('@reclmis/lab');`, 'may import: core'],
    ['another package’s files', 'lab/src/a.ts', `import '../../torch/src/x.js';`, 'leaves packages/lab/src'],
    [
      'a file behind the entry point',
      'lab/src/a.ts',
      `import '@reclmis/torch/dist/x.js';`,
      'not a public entry point',
    ],
    [
      'fixtures of tests',
      'torch/src/a.ts',
      `import '@reclmis/core/testing';`,
      'not a public entry point of packages/core',
    ],
    [
      'fixtures upwards',
      'torch/src/a.test.ts',
      `import '@reclmis/lab/testing';`,
      'packages/torch may import: core',
    ],
    [
      'sharp elsewhere',
      'lab/src/plots/a.ts',
      `import sharp from 'sharp';`,
      'only packages/files/src/sharp-engine.ts may',
    ],
    ['what is not installed', 'lab/src/a.ts', `import 'yaml';`, 'not a dependency'],
    ['a test library in a source', 'lab/src/a.ts', `import 'vitest';`, 'not a dependency'],
    ['node without its scheme', 'lab/src/a.ts', `import 'fs';`, 'write node:fs'],
    ['a package without a row', 'extra/src/a.ts', `export {};`, 'has no row'],
  ])('names %s', (_, path, text, reason) => {
    const errors = check({ [path]: text });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(reason);
    expect(errors[0]).toContain(`packages/${path.split('/')[0] ?? ''}`);
  });

  it.each([
    ['cli/src/commands/a.ts', 200],
    ['core/src/a.ts', 400],
  ])('lets %s have %i lines and no more', (path, most) => {
    const row = '| `packages/cli` | commands | core |';
    const lengthOf = (lines: number): readonly string[] =>
      check({ [path]: '// line\n'.repeat(lines), 'cli/package.json': '{}' }, row);
    expect(lengthOf(most)).toEqual([]);
    expect(lengthOf(most + 1)).toEqual([
      `packages/${path}: has ${most + 1} lines, expected at most ${most}: look for the seam`,
    ]);
    expect(
      check({ [path.replace('.ts', '.test.ts')]: '// line\n'.repeat(900), 'cli/package.json': '{}' }, row),
    ).toEqual([]);
  });

  it('finds every offence with its line', () => {
    const errors = check({
      'core/src/a.ts': `export const a = 1;\nimport 'node:fs';\nimport 'node:os';\n`,
    });
    expect(errors.map((line) => line.split(' ')[0])).toEqual([
      'packages/core/src/a.ts:2:',
      'packages/core/src/a.ts:3:',
    ]);
  });

  it.each([
    [
      'a folder that the table does not allow',
      { 'lab/src/low/a.ts': `import '../high/b.js';`, 'lab/src/high/b.ts': '' },
      'lab/low may import: no other folder',
    ],
    ['a folder without a row', { 'lab/src/new/a.ts': 'export {};' }, 'its folder has no row'],
    [
      'files in a circle',
      { 'lab/src/a.ts': `import './b.js';`, 'lab/src/b.ts': `import './a.js';` },
      'a circle of imports: packages/lab/src/a.ts, packages/lab/src/b.ts',
    ],
    [
      'folders in a circle',
      {
        'core/src/x/a.ts': `import '../y/b.js';`,
        'core/src/y/c.ts': `import '../x/d.js';`,
        'core/src/y/b.ts': '',
        'core/src/x/d.ts': '',
      },
      'a circle of imports: x, y',
    ],
  ])('names %s', (_, sources, reason) => {
    const errors = check(sources);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(reason);
  });

  it('lets a folder import what its row names, and tests import anything', () => {
    expect(
      check({
        'lab/src/high/a.ts': `import '../low/b.js'; import '../c.js';`,
        'lab/src/low/b.ts': '',
        'lab/src/low/b.test.ts': `import '../high/a.js';`,
        'lab/src/c.ts': '',
      }),
    ).toEqual([]);
  });

  it('finds none in this repository', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/check-boundaries.mjs')], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});
