/**
 * The runtime's packages in others' TypeScript: the README's programs under the strictest options, and the
 * Cornerstone3D example with the real viewer. Takes a minute or two; skipped without a registry.
 * `stranger.slow.test.ts` installs and runs all packages.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage, readImage } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, CHROMIUM, openPage } from './browser-page.js';
import { pack, ROOT } from './packed.js';
import { CORNERSTONE, install, REGISTRY } from './registry.js';
import { makeSmallModel, writePictures } from './small-model.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-packages-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

/** @returns standard output */
function run(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  expect({ args, status, stdout: status === 0 ? '' : stdout, stderr }).toEqual({
    args,
    status: 0,
    stdout: '',
    stderr: '',
  });
  return stdout;
}

/** The strictest options. */
const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  target: 'ES2022',
  types: [],
};

describe.skipIf(!REGISTRY)('the packages, installed by npm (needs a registry)', () => {
  const project = join(root, 'project');
  beforeAll(async () => {
    mkdirSync(project);
    const { model } = await makeSmallModel(root);
    await writePictures(join(root, 'images'));
    writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
    install(project, ...pack(join(root, 'archives')));
    cpSync(model, join(project, 'models', 'qata'), { recursive: true });
    cpSync(join(root, 'images', '1.png'), join(project, 'chest.png'));
  }, 600_000);

  it.each([
    { module: 'NodeNext', moduleResolution: 'NodeNext' },
    { module: 'ESNext', moduleResolution: 'bundler' },
  ])('have types for the README’s programs: $moduleResolution', { timeout: 600_000 }, (how) => {
    const readme = readFileSync(join(project, 'node_modules', '@reclmis', 'runtime', 'README.md'), 'utf8');
    const [program, browser] = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code ?? '');
    writeFileSync(join(project, 'program.ts'), program!);
    writeFileSync(
      join(project, 'page.ts'),
      `import { loadModel } from '@reclmis/runtime';\n${browser}await model.dispose();\n`,
    );
    const tsconfig = { compilerOptions: { ...STRICT, ...how }, files: ['program.ts', 'page.ts'] };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig));
    run(project, TSC);
  });

  it(
    'work with Cornerstone3D: its types, its bundle, a labelmap on the screen',
    { timeout: 300_000 },
    async () => {
      install(project, ...CORNERSTONE, 'onnxruntime-web@1.30.0'); // the runtime's in pages
      const example = join(project, 'viewer');
      cpSync(join(ROOT, 'examples', 'cornerstone'), example, { recursive: true });
      cpSync(join(ROOT, 'examples', 'browser', 'vite.config.mjs'), join(example, 'vite.config.mjs'));
      const compilerOptions = {
        ...STRICT,
        module: 'ESNext',
        moduleResolution: 'bundler',
        noEmit: true,
        skipLibCheck: true,
      };
      writeFileSync(join(example, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
      run(example, TSC);
      if (!CHROMIUM) return;

      execFileSync('ln', ['-s', join(ROOT, 'node_modules', 'vite'), join(project, 'node_modules', 'vite')]);
      await bundle(example, join(root, 'viewer'));
      const folders = {
        '/': join(root, 'viewer'),
        '/model/': join(root, 'model'),
        '/images/': join(root, 'images'),
      };
      const { page, url, close } = await openPage({ folders, webgl: true });
      try {
        await page.goto(`${url}?image=/images/0.png`);
        const status = page.getByRole('status');
        await status.getByText('Ready.').waitFor();
        /** Share of coloured pixels, and mean brightness. */
        const look = async (): Promise<{ coloured: number; brightness: number }> => {
          const png = await page.locator('#viewport').screenshot();
          const { width, height, data } = await decodeImage(png, 'screenshot');
          let [coloured, sum] = [0, 0];
          for (let p = 0; p < data.length; p += 3) {
            if (data[p]! > data[p + 2]! + 20) coloured += 1;
            sum += data[p]!;
          }
          return { coloured: coloured / (width * height), brightness: sum / (width * height) };
        };
        const own = await readImage(join(root, 'images', '0.png'));
        const before = await look();
        expect(before.coloured).toBe(0);
        // Scaling changes the mean by less than 5.
        const mean = own.data.reduce((sum, value) => sum + value, 0) / own.data.length;
        expect(Math.abs(before.brightness - mean)).toBeLessThan(5);
        expect(Math.abs(255 - 2 * mean)).toBeGreaterThan(10); // a negative would differ
        await page.click('button');
        await status.getByText('Shown: reclmis:picture:/images/0.png').waitFor();
        await expect.poll(async () => (await look()).coloured, { timeout: 30_000 }).toBeGreaterThan(0.01);
      } finally {
        await close();
      }
    },
  );
});
