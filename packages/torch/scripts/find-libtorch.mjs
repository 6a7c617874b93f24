// Finds libtorch, the first of: LIBTORCH=/folder, LIBTORCH_USE_PYTORCH=1 (the active Python's torch, also for
// CUDA), the distribution's libtorch-dev. This is tch-rs's order.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Release 2.9 moved the version to another header. */
function versionOf(include) {
  const file = ['torch/headeronly/version.h', 'torch/csrc/api/include/torch/version.h']
    .map((name) => join(include, name))
    .find((path) => existsSync(path));
  if (file === undefined) return null;
  const text = readFileSync(file, 'utf8');
  const part = (name) => new RegExp(`define TORCH_VERSION_${name} (\\d+)`).exec(text)?.[1];
  return [part('MAJOR'), part('MINOR'), part('PATCH')].join('.');
}

function describe(origin, include, lib, cxx11Abi, env) {
  const version = versionOf(include);
  if (version === null) return null;
  const cuda = existsSync(join(lib, 'libtorch_cuda.so'));
  return {
    origin,
    version,
    // /usr/include must not be named, or include_next fails.
    include: [
      include,
      join(include, 'torch/csrc/api/include'),
      ...(cuda ? cudaIncludes(dirname(dirname(lib)), env) : []),
    ].filter((directory) => directory !== '/usr/include'),
    lib: [lib],
    libraries: ['torch_cpu', ...(cuda ? ['torch_cuda', 'c10_cuda'] : []), 'torch', 'c10', 'gomp'],
    cuda,
    cxx11Abi,
    blas: null,
  };
}

/** Headers of CUDA and NCCL: of PyTorch's packages in `site`, then the toolkit's. */
function cudaIncludes(site, env) {
  const packages = join(site, 'nvidia');
  const own = existsSync(packages) ? readdirSync(packages).map((name) => join(packages, name)) : [];
  return [...own, env.CUDA_HOME ?? env.CUDA_PATH ?? '/usr/local/cuda']
    .map((folder) => join(folder, 'include'))
    .filter((folder) => existsSync(folder));
}

function ask(python, args) {
  try {
    return execFileSync(python, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    throw new Error(
      `LIBTORCH_USE_PYTORCH is 1, but ${python} cannot import torch: activate its environment, or unset the variable`,
    );
  }
}

/** @returns the libtorch, or null; a variable that points nowhere is an error */
export function findLibtorch(env = process.env) {
  if (env.LIBTORCH) {
    const found = describe(
      'LIBTORCH',
      join(env.LIBTORCH, 'include'),
      join(env.LIBTORCH, 'lib'),
      env.LIBTORCH_CXX11_ABI !== '0',
      env,
    );
    if (found === null)
      throw new Error(`LIBTORCH is ${env.LIBTORCH}, which has no include/torch: unset it or correct it`);
    return found;
  }
  if (env.LIBTORCH_USE_PYTORCH === '1') {
    const script =
      'import torch,os;print(os.path.dirname(torch.__file__));print(int(torch._C._GLIBCXX_USE_CXX11_ABI))';
    const [folder, abi] = ask(env.PYTHON ?? 'python3', ['-c', script])
      .trim()
      .split('\n');
    // Debian's python3-torch keeps headers and libraries with the system's.
    return (
      describe('PyTorch', join(folder, 'include'), join(folder, 'lib'), abi === '1', env) ??
      distribution('PyTorch of the distribution', env)
    );
  }
  return distribution('the distribution', env);
}

/**
 * An OpenBLAS on OpenMP's threads, like libtorch, if installed; with its own threads, both would spin on the
 * same cores. Linked by folder, so the machine's default BLAS stays.
 */
function openmpBlas(lib) {
  const folder = join(lib, 'openblas-openmp');
  return existsSync(join(folder, 'libblas.so.3'))
    ? { folder, files: ['libblas.so.3', 'liblapack.so.3'] }
    : null;
}

function distribution(origin, env) {
  const lib = ['/usr/lib', '/usr/lib64', '/usr/local/lib', ...multiarch()].find((d) =>
    existsSync(join(d, 'libtorch_cpu.so')),
  );
  if (lib === undefined) return null;
  const found = describe(origin, '/usr/include', lib, true, env);
  return found === null ? null : { ...found, blas: openmpBlas(lib) };
}

function multiarch() {
  return existsSync('/usr/lib')
    ? readdirSync('/usr/lib')
        .filter((name) => name.endsWith('-linux-gnu'))
        .map((n) => join('/usr/lib', n))
    : [];
}

// As a command: prints the result; status 1 if none.
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = findLibtorch();
  console.log(found === null ? 'none' : `${found.version} (${found.origin})`);
  process.exit(found === null ? 1 : 0);
}
