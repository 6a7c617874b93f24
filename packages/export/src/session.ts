/** onnxruntime for checks, calibration and measurements. */
import { type Cut, defined, type OnnxParts, ReclmisError } from '@reclmis/core';
import type { InferenceSession, Tensor as OrtTensor } from '@reclmis/onnxruntime';

/** float32, or int64 for tokens. */
export interface Values {
  readonly data: Float32Array | BigInt64Array;
  readonly shape: readonly number[];
}

export type Inputs = Readonly<Record<string, Values>>;

export interface OnnxSession {
  /** @returns outputs by name @throws EXPORT_DIFFERS if onnxruntime fails */
  run(inputs: Inputs): Promise<ReadonlyMap<string, Float32Array>>;
  /** @returns the outputs' shapes by name @throws as `run` */
  shapes(inputs: Inputs): Promise<ReadonlyMap<string, readonly number[]>>;
  release(): Promise<void>;
}

export interface SessionOptions {
  /** Within an operator; default all cores. */
  readonly threads?: number;
  readonly optimise?: boolean;
}

/** @param model bytes or a file. @throws EXPORT_DIFFERS if onnxruntime refuses it */
export async function openOnnx(
  model: Uint8Array | string,
  options: SessionOptions = {},
): Promise<OnnxSession> {
  const session = await openRaw(model, options);
  return {
    run: async (inputs) => floatsOf(await session.run(await feedsOf(inputs))),
    shapes: async (inputs) => {
      const results = await session.run(await feedsOf(inputs));
      return new Map(Object.entries(results).map(([name, { dims }]) => [name, dims]));
    },
    release: () => session.release(),
  };
}

/** The parts of a segmenter, one after the other, as one. @throws EXPORT_DIFFERS if onnxruntime refuses one */
export async function openParts(
  parts: OnnxParts,
  { image: picture, note: words }: Pick<Cut, 'image' | 'note'>,
): Promise<Pick<OnnxSession, 'run' | 'release'>> {
  const image = await openRaw(parts.image(), {});
  const asked = [await openRaw(parts.note(), {})];
  if (parts.interest) asked.push(await openRaw(parts.interest(), {}));
  return {
    run: async (inputs) => {
      const { [picture]: seen, [words]: read } = await feedsOf(inputs);
      const features = await image.run(seen ? { [picture]: seen } : {});
      const outputs = new Map<string, Float32Array>();
      for (const part of asked)
        for (const [name, values] of floatsOf(
          await part.run({ ...features, ...(read ? { [words]: read } : {}) }),
        ))
          outputs.set(name, values);
      return outputs;
    },
    release: async () => {
      await image.release();
      for (const part of asked) await part.release();
    },
  };
}

type Tensors = Readonly<Record<string, OrtTensor>>;

async function openRaw(
  model: Uint8Array | string,
  { threads, optimise = true }: SessionOptions,
): Promise<{ run(feeds: Tensors): Promise<Tensors>; release(): Promise<void> }> {
  const ort = await import('@reclmis/onnxruntime');
  const options: InferenceSession.SessionOptions = {
    graphOptimizationLevel: optimise ? 'all' : 'disabled',
    logSeverityLevel: 4, // errors only
    ...defined({ intraOpNumThreads: threads }),
  };
  const session = await attempt('does not load the exported model', () =>
    typeof model === 'string'
      ? ort.InferenceSession.create(model, options)
      : ort.InferenceSession.create(model, options),
  );
  return {
    run: (feeds) => attempt('does not run the exported model', () => session.run(feeds)),
    release: () => session.release(),
  };
}

async function feedsOf(inputs: Inputs): Promise<Tensors> {
  const { Tensor } = await import('@reclmis/onnxruntime');
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape }]) => [
      name,
      data instanceof Float32Array ? new Tensor('float32', data, shape) : new Tensor('int64', data, shape),
    ]),
  );
}

function floatsOf(results: Tensors): Map<string, Float32Array> {
  const outputs = new Map<string, Float32Array>();
  for (const [name, { data }] of Object.entries(results))
    if (data instanceof Float32Array) outputs.set(name, data);
  return outputs;
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const words = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
    throw new ReclmisError('EXPORT_DIFFERS', `onnxruntime ${what}: ${words}`, { cause });
  }
}
