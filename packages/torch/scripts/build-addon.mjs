// Builds the addon of @reclmis/torch against the libtorch of `find-libtorch.mjs`, recompiling what changed.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findLibtorch } from './find-libtorch.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const native = join(home, 'native');
const build = join(home, 'build');
const target = join(build, 'reclmis_torch.node');
const require = createRequire(join(home, 'package.json'));
const nodeAddonApi = dirname(require.resolve('node-addon-api/package.json'));
const run = promisify(execFile);

/** Ends with a coded message, which `buildAddon` of ../src/build-addon.ts reads. */
function fail(code, message) {
  console.error(`error ${code}: ${message}`);
  process.exit(5);
}

let libtorch;
try {
  libtorch = findLibtorch();
} catch (error) {
  fail('LIBTORCH_MISSING', error.message);
}
if (libtorch === null)
  fail(
    'LIBTORCH_MISSING',
    'no libtorch was found: not in the system’s folders, and LIBTORCH and LIBTORCH_USE_PYTORCH are not set',
  );

const sources = readdirSync(native)
  .filter((name) => name.endsWith('.cc'))
  .sort();
const compileFlags = [
  '-O2',
  '-DNDEBUG', // as libtorch's packages are built: some of its classes are laid out differently without
  '-g0',
  '-fPIC',
  '-std=c++17',
  '-fexceptions',
  '-frtti',
  '-pthread',
  '-fopenmp', // at::parallel_for is in a header: otherwise one thread
  '-Wall',
  '-Wno-sign-compare',
  '-DNAPI_VERSION=8',
  '-DNODE_ADDON_API_CPP_EXCEPTIONS',
  '-DNODE_ADDON_API_DISABLE_DEPRECATED',
  `-D_GLIBCXX_USE_CXX11_ABI=${libtorch.cxx11Abi ? 1 : 0}`,
  ...[nodeAddonApi, require('node-api-headers').include_dir].map((d) => `-isystem${d}`),
  ...libtorch.include.map((directory) => `-isystem${directory}`),
  // Searched last: replaces headers that some libtorch packages lack.
  '-idirafter',
  join(native, 'missing'),
  ...(libtorch.cuda ? ['-DRECLMIS_CUDA'] : []),
];
const linkFlags = [
  '-shared',
  '-pthread',
  // Searched first, so libtorch finds these loaded when it asks for its BLAS by name.
  ...(libtorch.blas ? [`-L${libtorch.blas.folder}`, `-Wl,-rpath,${libtorch.blas.folder}`] : []),
  ...libtorch.lib.flatMap((directory) => [`-L${directory}`, `-Wl,-rpath,${directory}`]),
  '-Wl,--no-as-needed',
  ...(libtorch.blas?.files.map((file) => `-l:${file}`) ?? []),
  ...libtorch.libraries.map((name) => `-l${name}`),
];
const compiler = process.env.CXX ?? 'g++';
await run(compiler, ['--version']).catch(() =>
  fail('COMPILER_MISSING', `no C++ compiler: ${compiler} does not start`),
);

const text = (name) => readFileSync(join(native, name), 'utf8');
/** The source and the headers that it includes, theirs too. */
const included = (name, found = new Set()) => {
  if (found.has(name) || !existsSync(join(native, name))) return found;
  found.add(name);
  for (const [, header] of text(name).matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)) included(header, found);
  return found;
};
const missing = readdirSync(join(native, 'missing'), { recursive: true })
  .filter((name) => name.endsWith('.h'))
  .map((name) => join('missing', name));
const shared = [compiler, compileFlags, libtorch.version, missing.sort().map(text)];
/** The folder of node_modules, whose path stamps exclude: a copied clone need not build again. */
const root = dirname(dirname(nodeAddonApi));
const stampOf = (...parts) =>
  createHash('sha256').update(JSON.stringify(parts).replaceAll(root, '')).digest('hex');
const stamps = new Map(sources.map((name) => [name, stampOf(shared, [...included(name)].map(text))]));
const stamp = stampOf(linkFlags, [...stamps]);
const isStamped = (file, value) => {
  const at = `${file}.stamp`;
  return existsSync(file) && existsSync(at) && readFileSync(at, 'utf8') === value;
};
if (isStamped(target, stamp)) process.exit(0);

console.log(`building the addon against libtorch ${libtorch.version} (${libtorch.origin})`);
mkdirSync(build, { recursive: true });
const options = { maxBuffer: 64 << 20 };
try {
  const objectOf = (name) => join(build, name.replace(/\.cc$/, '.o'));
  // One compiler per core: each takes half a GiB.
  const waiting = [...sources];
  const compileAll = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const object = objectOf(name);
      if (isStamped(object, stamps.get(name))) continue;
      await run(compiler, [...compileFlags, '-c', join(native, name), '-o', object], options);
      writeFileSync(`${object}.stamp`, stamps.get(name));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, compileAll));
  await run(compiler, [...sources.map(objectOf), ...linkFlags, '-o', `${target}.new`], options);
} catch (error) {
  console.error(error.stderr || error.message);
  fail('ADDON_BUILD', `the addon does not compile against libtorch ${libtorch.version} (${libtorch.origin})`);
}
renameSync(`${target}.new`, target);
writeFileSync(`${target}.stamp`, stamp);
