// onnxruntime-node where somebody installed it (it brings CUDA), else the package of this platform; both are Microsoft's build.
import { createRequire } from 'node:module';

const HERE = `@reclmis/onnxruntime-${process.platform}-${process.arch}`;
const require = createRequire(import.meta.url);

/** @returns the path of a package's entry, or null */
function installed(name) {
  try {
    return require.resolve(name);
  } catch {
    return null;
  }
}

const chosen = installed('onnxruntime-node') ?? installed(HERE);
if (chosen === null) throw new Error(`expected the package ${HERE} or onnxruntime-node, found neither`);
export const { env, InferenceSession, Tensor } = require(chosen);
