/**
 * One exported model in its own process, for `reclmis bench infer --model`: loads it, segments once, then
 * measures batches on request. Times count from process start.
 */
import { Random, type RgbImage } from '@reclmis/core';
import type { Model } from '@reclmis/runtime';
import type { Order, Ready, Told, Turn } from './exported-messages.js';

/** Pixels, as for runs (lab's `PICTURE_SIZE`). */
const PICTURE_SIZE = 512;
const HEIGHTS = ['upper', 'middle', 'lower'] as const;

const tell = (message: Told): void => void process.send?.(message);

/** Random pixels and grammatical notes: content does not change times. */
function cases(count: number): { image: RgbImage; note: string }[] {
  const random = Random.from('bench exported', count);
  return Array.from({ length: count }, (_, i) => ({
    image: {
      width: PICTURE_SIZE,
      height: PICTURE_SIZE,
      data: Uint8Array.from({ length: 3 * PICTURE_SIZE ** 2 }, () => random.int(256)),
    },
    note: `Unilateral pulmonary infection, one infected area, ${HEIGHTS[i % 3] ?? ''} ${i % 2 === 0 ? 'left' : 'right'} lung.`,
  }));
}

async function begin({ dir, device, threads }: Extract<Order, { kind: 'begin' }>): Promise<Model> {
  const { loadModel } = await import('@reclmis/runtime');
  const [first] = cases(1);
  const imported = performance.now();
  const model = await loadModel(dir, { device, ...(threads === null ? {} : { threads }) });
  const loaded = performance.now();
  if (first) await model.segment(first.image, first.note);
  const ready: Ready = {
    kind: 'ready',
    firstMask: performance.now(),
    load: loaded - imported,
    residentBytes: process.memoryUsage().rss,
  };
  tell(ready);
  return model;
}

async function measure(model: Model, batch: ReturnType<typeof cases>): Promise<Turn> {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const [result] = await model.segmentBatch(batch);
  const milliseconds = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  return {
    kind: 'turn',
    milliseconds,
    processorMilliseconds: (user + system) / 1000,
    networkMilliseconds: result?.timings.segment ?? 0,
  };
}

let model: Model | null = null;
const batches = new Map<number, ReturnType<typeof cases>>();

async function obey(order: Order): Promise<void> {
  if (order.kind === 'begin') {
    model = await begin(order);
    return;
  }
  if (order.kind === 'measure' && model) {
    const batch = batches.get(order.batch) ?? cases(order.batch);
    batches.set(order.batch, batch);
    tell(await measure(model, batch));
    return;
  }
  await model?.dispose();
  tell({ kind: 'ended', peakResidentBytes: process.resourceUsage().maxRSS * 1024 });
  process.disconnect();
}

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL';
    tell({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
    process.disconnect();
  });
});
