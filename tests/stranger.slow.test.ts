/**
 * What a stranger does: all packages published to a registry on this machine and installed from it in an empty root,
 * on the oldest supported Node and the newest; the runtime in Node and in a Vite page, the command, `reclmis setup` and a
 * training of two steps. Takes some minutes; skipped without a registry for the packages of others.
 * RECLMIS_STRANGER_LOG=FILE writes what was run, and what it said.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMask } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, openPage } from './browser-page.js';
import { EMPTY_ROOT, type EmptyRoot, type Ended, makeRoot } from './empty-root.js';
import { type LocalRegistry, startRegistry } from './local-registry.js';
import { ROOT } from './packed.js';
import { REGISTRY } from './registry.js';
import { makeSmallModel, writePictures } from './small-model.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-stranger-'));
const MOST_MEGABYTES = 350;
const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';
const log: string[] = [];

const PAGE = `<!doctype html><meta charset="utf-8"><title>waiting</title><script type="module" src="./main.ts"></script>`;
const PAGE_PROGRAM = `import { loadModel } from '@reclmis/runtime';
const model = await loadModel('/model/', { wasmPaths: '/ort/', device: 'wasm' });
const image = await (await fetch('/chest.png')).blob();
const { mask } = await model.segment(image, '${NOTE}');
document.title = 'pixels ' + mask.data.filter((value) => value > 0).length;
`;

describe.skipIf(!REGISTRY || !EMPTY_ROOT)('a stranger (needs a registry, and the right to mount)', () => {
  let registry: LocalRegistry;
  let archives: readonly string[];
  let nodes: readonly string[];
  let model: string;
  let truth: number;

  beforeAll(async () => {
    const { model: folder } = await makeSmallModel(root);
    model = folder;
    await writePictures(join(root, 'images'));
    registry = await startRegistry(join(root, 'registry'));
    const script = join(ROOT, 'scripts', 'packages.mjs');
    archives = linesOf(
      execFileSync(process.execPath, [script, join(root, 'archives'), '--here', '--torch'], {
        encoding: 'utf8',
      }),
    );
    for (const archive of archives) registry.publish(archive);
    nodes = linesOf(
      execFileSync(process.execPath, [join(ROOT, 'scripts', 'test-nodes.mjs'), '--program'], {
        encoding: 'utf8',
      }),
    );
  }, 600_000);
  afterAll(async () => {
    await registry.stop();
    rmSync(root, { recursive: true, force: true });
    const file = process.env['RECLMIS_STRANGER_LOG'];
    if (file !== undefined) writeFileSync(file, `${log.join('\n')}\n`);
  });

  /** With what every stranger brings. */
  const arrive = (name: string, node: string): EmptyRoot => {
    const empty = makeRoot(join(root, name), node, registry.npmrc);
    cpSync(model, join(empty.home, 'model'), { recursive: true });
    cpSync(join(root, 'images', '1.png'), join(empty.home, 'chest.png'));
    expect(empty.run('.', `ls '${ROOT}'`).status).not.toBe(0);
    return empty;
  };

  const say = (command: string, { stdout, stderr }: Ended): void => {
    const lines = linesOf(`${stdout}\n${stderr}`).filter((line) => !line.startsWith('npm warn'));
    log.push(`$ ${command}`, ...lines.slice(-4), '');
  };
  const must = (empty: EmptyRoot, folder: string, command: string): string => {
    const ended = empty.run(folder, command);
    say(command, ended);
    expect({
      command,
      status: ended.status,
      said: ended.status === 0 ? '' : `${ended.stdout}${ended.stderr}`.slice(-2000),
    }).toEqual({ command, status: 0, said: '' });
    return ended.stdout;
  };

  it('finds archives without tests, with a licence, a README and a source', () => {
    for (const archive of archives) {
      const files = linesOf(execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' }));
      expect(files.filter((path) => /\.test\.|\/testing/.test(path))).toEqual([]);
      expect(files).toEqual(expect.arrayContaining(['package/LICENSE', 'package/README.md']));
    }
  });

  it.each([0, 1])(
    'segments with the runtime and the command, and trains (oldest and newest Node: %i)',
    { timeout: 2_400_000 },
    async (which) => {
      const empty = arrive(`node-${which}`, nodes[which] ?? '');
      log.push(`--- Node ${must(empty, '.', 'node --version').trim()}`, '');

      // The README's program.
      must(empty, 'runtime', 'npm install @reclmis/runtime @reclmis/onnxruntime');
      const runtime = join(empty.home, 'runtime');
      const readme = readFileSync(join(runtime, 'node_modules/@reclmis/runtime/README.md'), 'utf8');
      const [, program = ''] = /```ts\n([^]*?)```/.exec(readme) ?? [];
      writeFileSync(
        join(runtime, 'program.mjs'),
        program.replace('models/qata', '../model').replace('chest.png', '../chest.png'),
      );
      const said = must(empty, 'runtime', 'node program.mjs');
      expect(said).toMatch(/^200 200 \d+\n$/);
      truth = Number(said.split(' ')[2]);
      expect(existsSync(join(runtime, 'node_modules/onnxruntime-node'))).toBe(false);

      // The command, from nothing.
      must(
        empty,
        'command',
        `npx --yes reclmis predict ../model --image ../chest.png --note "${NOTE}" -o masks`,
      );
      const { data } = await readMask(join(empty.home, 'command/masks/chest_mask.png'));
      expect(data.filter((value) => value > 0).length).toBe(truth);
      const [cached = ''] = readdirSync(join(empty.home, '.npm/_npx'));
      const installed = join(empty.home, '.npm/_npx', cached, 'node_modules');
      expect(existsSync(join(installed, '@reclmis/torch'))).toBe(false);
      expect(existsSync(join(installed, 'onnxruntime-web'))).toBe(false);
      const megabytes = Number(execFileSync('du', ['-sm', installed], { encoding: 'utf8' }).split('\t')[0]);
      log.push(`reclmis with all that it needs: ${megabytes} MB`, '');
      expect(megabytes).toBeLessThanOrEqual(MOST_MEGABYTES);

      const studio = empty.start('command', 'npx reclmis studio ../model --port 0 --no-open');
      try {
        const url = await firstUrl(studio.stdout);
        log.push('$ npx reclmis studio ../model', url.replace(/\d+\/$/, 'PORT/'), '');
        expect(await (await fetch(url)).text()).toContain('<title>');
        const wasm = await fetch(`${url}ort/ort-wasm-simd-threaded.wasm`, { method: 'HEAD' });
        expect([wasm.status, wasm.headers.get('content-type')]).toEqual([200, 'application/wasm']);
      } finally {
        studio.kill('SIGKILL');
        await new Promise((resolve) => studio.once('exit', resolve));
      }

      // Training, which is not there yet.
      const train =
        'npx reclmis train --preset phantom --data data --epochs 1 --batch 7 --train.warmupSteps 0 --workers 0 -o run';
      must(empty, 'command', 'npx reclmis data phantom -o data --count 20 --size 64');
      const refused = empty.run('command', train);
      say(train, refused);
      expect([refused.status, refused.stderr]).toEqual([
        5,
        expect.stringMatching(/^error TRAINING_MISSING: .*\nremedy: Run `reclmis setup`\.\n$/),
      ]);
      const blind = empty.run('command', 'npx reclmis setup', { CXX: 'no-compiler' });
      say('CXX=no-compiler npx reclmis setup', blind);
      expect([blind.status, blind.stderr]).toEqual([5, expect.stringContaining('error COMPILER_MISSING: ')]);
      must(empty, 'command', 'npx reclmis setup');
      const trained = must(empty, 'command', `${train} --json`);
      expect(JSON.parse(trained)).toMatchObject({ status: 'finished' });
      const epochs = linesOf(readFileSync(join(empty.home, 'command/run/metrics.jsonl'), 'utf8'));
      expect(epochs).toHaveLength(1);
      must(empty, 'command', 'npx reclmis export run -o exported --quiet');
      expect(existsSync(join(empty.home, 'command/exported/manifest.json'))).toBe(true);
    },
  );

  it.skipIf(!CHROMIUM)(
    'builds a page with Vite, without onnxruntime for Node',
    { timeout: 600_000 },
    async () => {
      const empty = arrive('page', nodes[1] ?? '');
      const project = join(empty.home, 'page');
      must(empty, 'page', 'npm install @reclmis/runtime onnxruntime-web@1.30.0 vite');
      expect(readdirSync(join(project, 'node_modules/@reclmis')).sort()).toEqual([
        'clinical',
        'core',
        'files',
        'runtime',
      ]);
      expect(existsSync(join(project, 'node_modules/onnxruntime-node'))).toBe(false);
      writeFileSync(join(project, 'index.html'), PAGE);
      writeFileSync(join(project, 'main.ts'), PAGE_PROGRAM);
      must(empty, 'page', 'npx vite build --target es2022');
      const folders = {
        '/': join(project, 'dist'),
        '/model/': model,
        '/ort/': join(project, 'node_modules/onnxruntime-web/dist'),
      };
      cpSync(join(empty.home, 'chest.png'), join(project, 'dist/chest.png'));
      const { page, url, close } = await openPage({ folders });
      try {
        await page.goto(url);
        await page.waitForFunction(() => document.title.startsWith('pixels '), undefined, {
          timeout: 60_000,
        });
        const title = await page.title();
        log.push(`the page in Chromium: ${title}`, '');
        expect(Math.abs(Number(title.split(' ')[1]) - truth)).toBeLessThanOrEqual(2); // another form of onnxruntime rounds otherwise
      } finally {
        await close();
      }
    },
  );
});

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** The first address that a program prints. */
function firstUrl(stream: NodeJS.ReadableStream | null): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const [url] = /http:\S+/.exec(text) ?? [];
      if (url !== undefined) resolve(url);
    });
    stream?.on('end', () => reject(new Error(`printed no address: ${text}`)));
  });
}
