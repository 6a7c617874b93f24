/**
 * The self-test's parts. Each runs in a process of its own (`probe-process.ts`): native code that does not suit the
 * processor ends the process instead of throwing.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { withScratch } from '../scratch.js';
import { SAMPLE_SIDE, sampleGrey, SAMPLES } from './samples.js';

/** Returns what was checked, in words. @throws what is wrong */
export type Probe = () => Promise<string>;

export const PROBES = {
  'temporary folder': checkFolder,
  pictures: checkPictures,
  onnxruntime: checkOnnx,
  libtorch: checkTorch,
} as const satisfies Readonly<Record<string, Probe>>;

export type ProbeName = keyof typeof PROBES;

const BYTES = 2 ** 20;

async function checkFolder(): Promise<string> {
  const { writeFileAtomic } = await import('@reclmis/files');
  return withScratch('reclmis-doctor-', async (folder) => {
    const path = join(folder, 'written');
    const written = randomBytes(BYTES);
    await writeFileAtomic(path, written);
    if (!written.equals(await readFile(path)))
      throw new ReclmisError(
        'OUTPUT_DIFFERS',
        `${tmpdir()}: a file reads back differently from how it was written`,
        {
          remedy: 'Check the disk, or set TMPDIR to a folder on another one.',
        },
      );
    return '1 MB written and read back';
  });
}

async function checkPictures(): Promise<string> {
  const { decodeImage } = await import('@reclmis/files');
  for (const { name, bytes, tolerance } of SAMPLES) {
    const { width, height, data } = await decodeImage(bytes, `${name} sample`);
    let worst = width === SAMPLE_SIDE && height === SAMPLE_SIDE ? 0 : Number.POSITIVE_INFINITY;
    for (let i = 0; i < data.length; i += 1)
      worst = Math.max(worst, Math.abs((data[i] ?? 0) - sampleGrey(Math.floor(i / 3))));
    if (worst > tolerance)
      throw new ReclmisError(
        'IMAGE_UNREADABLE',
        `a ${name} picture decodes wrongly: expected at most ${tolerance} grey values of difference, got ${worst}`,
        { remedy: 'Install reclmis again; if that does not help, report it with `reclmis doctor --json`.' },
      );
  }
  return `${SAMPLES.map(({ name }) => name).join(', ')} decoded`;
}

async function checkOnnx(): Promise<string> {
  const { checkRuntime } = await import('@reclmis/runtime');
  await checkRuntime();
  return 'a convolution computed and compared';
}

const CHANNELS = 16; // what the addon's own kernels take
const SIDE = 24;
/** Winograd's tiles round differently from libtorch's kernels, by a few float32 steps of sums of 144 products. */
const KERNEL_TOLERANCE = 1e-4;

/** Forward and backward of a small network, by libtorch's kernels and by the addon's own; then on the first CUDA device. */
async function checkTorch(): Promise<string> {
  const torch = await import('@reclmis/torch');
  const { devices, nn, scope, Tensor, version } = torch;
  torch.manualSeed(1);
  const image = Float32Array.from({ length: CHANNELS * SIDE * SIDE }, (_, i) => Math.sin(i / 5));
  const layer = new nn.Conv2d(CHANNELS, CHANNELS, 3, { padding: 1 });
  const step = (device: string): { loss: number; gradient: Float32Array } =>
    scope(() => {
      const x = Tensor.fromFloat32(image, [1, CHANNELS, SIDE, SIDE], { device });
      const loss = layer.forward(x).relu().mean(); // [1,C,S,S] -> []
      layer.zeroGrad();
      loss.backward();
      const gradient = layer.weight.grad?.to({ device: 'cpu' }).toFloat32Array() ?? new Float32Array(0);
      return { loss: loss.item(), gradient };
    });
  nn.setConvolutionKernel('libtorch');
  const reference = step('cpu');
  const compare = (what: string, { loss, gradient }: typeof reference): void => {
    const worst = reference.gradient.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (gradient[i] ?? Number.NaN))),
      Math.abs(loss - reference.loss),
    );
    if (!(worst <= KERNEL_TOLERANCE) || reference.loss === 0)
      throw new ReclmisError(
        'DEVICE_WRONG',
        `${what} computes a convolution and its gradient wrongly: expected libtorch’s values on the CPU, got ones that differ by ${worst}`,
        { remedy: 'Report it with `reclmis doctor --json`; `--device cpu` avoids a faulty CUDA device.' },
      );
  };
  nn.setConvolutionKernel('winograd');
  compare('the addon', step('cpu'));
  nn.setConvolutionKernel('libtorch');
  const cuda = devices().filter((name) => name.startsWith('cuda'));
  if (cuda[0] !== undefined) {
    layer.to(cuda[0]);
    compare(cuda[0], step(cuda[0]));
  }
  const { torch: release, capability } = version();
  return `${release} with ${capability}, ${cuda.length === 0 ? 'no CUDA' : `${cuda.length} CUDA`}; forward and backward compared`;
}
