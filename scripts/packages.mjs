// Packs the packages as npm publishes them: `node scripts/packages.mjs DIR [--torch] [--here]`. The workspaces' packages, without
// their entries for tests; @reclmis/onnxruntime with a package for each platform, cut out of onnxruntime-node; with
// --torch the addon that was built here, as @reclmis/torch-PLATFORM; with --here onnxruntime for this platform alone. Prints the archives in the order to publish them.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Those that onnxruntime-node has files for. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const npm = (args, cwd = root) =>
  execFileSync('npm', args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** The workspaces' packages in order of dependency: [{ name, folder, files, manifest }]. */
export function packages(platforms = PLATFORMS) {
  const { workspaces } = readJson(join(root, 'package.json'));
  const packed = JSON.parse(
    npm(['pack', '--dry-run', '--json', '--ignore-scripts', ...workspaces.flatMap((name) => ['-w', name])]),
  );
  const found = workspaces.map((folder) => {
    const manifest = readJson(join(root, folder, 'package.json'));
    const { files } = Object.values(packed).find(({ name }) => name === manifest.name);
    return {
      name: manifest.name,
      folder: join(root, folder),
      files,
      manifest: published(manifest, platforms),
    };
  });
  const before = ({ manifest }, name) => Object.keys(manifest.dependencies ?? {}).includes(name);
  const sorted = [];
  while (sorted.length < found.length) {
    const left = found.filter((one) => !sorted.includes(one));
    sorted.push(left.find((one) => !left.some(({ name }) => before(one, name))));
  }
  return sorted;
}

/** Without what only the repository needs. The packages of platforms are no dependencies there, since no registry has them before. */
function published(manifest, platforms) {
  const { name, version, exports } = manifest;
  const left = {
    ...manifest,
    exports: Object.fromEntries(Object.entries(exports).filter(([entry]) => entry !== './testing')),
    ...(name === '@reclmis/onnxruntime' && {
      optionalDependencies: Object.fromEntries(platforms.map((at) => [`${name}-${at}`, version])),
    }),
  };
  delete left.devDependencies;
  return left;
}

function stage(folder, manifest, copy) {
  mkdirSync(folder, { recursive: true });
  const filter = (path) => !/libonnxruntime\.\d+\.\d+\.\d+\.dylib$/.test(path); // twice there; the binding asks for the other name
  for (const [from, to] of copy) cpSync(from, join(folder, to), { recursive: true, filter });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return folder;
}

const shared = (manifest, name, platform) => {
  const [os, cpu] = platform.split('-');
  const { version, homepage, bugs, repository, engines, publishConfig, keywords } = manifest;
  return {
    ...{ name, version, keywords, homepage, bugs, repository, engines, publishConfig },
    ...{ os: [os], cpu: [cpu], ...(os === 'linux' && { libc: ['glibc'] }) },
  };
};

/** Folder of onnxruntime's files for a platform, as a package. */
export function stageOnnxruntime(stages, platform, manifest) {
  const source = join(root, 'node_modules/onnxruntime-node');
  const bin = join('bin/napi-v6', ...platform.split('-'));
  const { version } = readJson(join(source, 'package.json'));
  const name = `${manifest.name}-${platform}`;
  const readme = `# ${name}\n\nThe files of onnxruntime-node ${version} for ${platform}, unchanged: install [@reclmis/onnxruntime](https://www.npmjs.com/package/@reclmis/onnxruntime), which brings them.\n\nonnxruntime is © Microsoft Corporation, under the MIT licence.\n`;
  const folder = stage(
    join(stages, `onnxruntime-${platform}`),
    {
      ...shared(manifest, name, platform),
      description: `onnxruntime ${version} for Node on ${platform}.`,
      license: 'MIT',
      type: 'commonjs',
      main: './dist/index.js',
      exports: { '.': './dist/index.js' },
      files: ['dist', 'bin'],
      dependencies: { 'onnxruntime-common': version },
    },
    [
      ...['backend', 'binding', 'index', 'version'].map((file) => [
        join(source, 'dist', `${file}.js`),
        `dist/${file}.js`,
      ]),
      [join(source, bin), bin],
      [join(root, 'packages/onnxruntime/LICENSE-onnxruntime'), 'LICENSE'],
    ],
  );
  writeFileSync(join(folder, 'README.md'), readme);
  return folder;
}

/** The addon alone: libtorch is 200 MB and more, and which one fits depends on the machine. */
function stageTorch(stages, manifest) {
  const platform = `${process.platform}-${process.arch}`;
  const addon = join(root, 'packages/torch/build/reclmis_torch.node');
  if (!existsSync(addon)) throw new Error('the addon is not built: run `npm run setup`');
  const libtorch = execFileSync(process.execPath, [join(root, 'packages/torch/scripts/find-libtorch.mjs')], {
    encoding: 'utf8',
  });
  const version = libtorch.split(' ')[0];
  const name = `${manifest.name}-${platform}`;
  const folder = stage(
    join(stages, `torch-${platform}`),
    {
      ...shared(manifest, name, platform),
      description: `The addon of @reclmis/torch for ${platform} with libtorch ${version}.`,
      license: manifest.license,
      type: 'commonjs',
      main: './reclmis_torch.node',
      exports: { '.': './reclmis_torch.node' },
      files: ['reclmis_torch.node'],
    },
    [
      [addon, 'reclmis_torch.node'],
      [join(root, 'LICENSE'), 'LICENSE'],
    ],
  );
  writeFileSync(
    join(folder, 'README.md'),
    `# ${name}\n\nThe addon of [@reclmis/torch](https://www.npmjs.com/package/@reclmis/torch), built for ${platform} with libtorch ${version}, which it needs on the machine (\`apt install libtorch-dev libopenblas0-openmp\` on Debian 12). Without this package, \`reclmis setup\` builds the addon.\n`,
  );
  return folder;
}

/**
 * Packs into a new folder.
 * @param which { platforms: whose onnxruntime, torch: the addon too } @returns paths of the archives, in the order to publish them
 */
export function packAll(out, { platforms = PLATFORMS, torch = false } = {}) {
  mkdirSync(out, { recursive: true });
  const stages = mkdtempSync(join(tmpdir(), 'reclmis-stage-'));
  try {
    const folders = [];
    for (const { name, folder, files, manifest } of packages(platforms)) {
      if (name === '@reclmis/onnxruntime')
        folders.push(...platforms.map((platform) => stageOnnxruntime(stages, platform, manifest)));
      if (name === '@reclmis/torch' && torch) folders.push(stageTorch(stages, manifest));
      const copied = files.filter(({ path }) => path !== 'package.json');
      folders.push(
        stage(
          join(stages, name.replace('@reclmis/', '')),
          manifest,
          copied.map(({ path }) => [join(folder, path), path]),
        ),
      );
    }
    const packed = JSON.parse(
      npm(['pack', '--json', '--ignore-scripts', '--pack-destination', out, ...folders], stages),
    );
    return Object.values(packed).map(({ filename }) => join(out, filename));
  } finally {
    rmSync(stages, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [out] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
  if (out === undefined || (existsSync(out) && readdirSync(out).length > 0)) {
    console.error('packages: expected a new or empty folder: npm run packages -- DIR [--torch]');
    process.exit(1);
  }
  const has = (flag) => process.argv.includes(flag);
  const platforms = has('--here') ? [`${process.platform}-${process.arch}`] : PLATFORMS;
  for (const file of packAll(resolve(out), { torch: has('--torch'), platforms })) console.log(file);
}
