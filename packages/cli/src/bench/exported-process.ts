/**
 * One exported model in its own process, for `reclmis bench infer --model`: loads it, segments once, then
 * measures batches on request. Times count from process start.
 */
import { Random, type RgbImage } from '@reclmis/core';
import type { Model } from '@reclmis/runtime';
import type { NotesTurn, Order, Ready, Told, Turn } from './exported-messages.js';

/** Pixels, as for runs (lab's `PICTURE_SIZE`). */
const PICTURE_SIZE = 512;
const HEIGHTS = ['upper', 'middle', 'lower'] as const;

const tell = (message: Told): void => void process.send?.(message);

const BYTES = 3 * PICTURE_SIZE ** 2;
const random = Random.from('bench exported');
/** Pictures are views of it, each a little further on: no two are alike, so none has been seen before. */
const pixels = Uint8Array.from({ length: 2 * BYTES }, () => random.int(256));
const STEP = 3 * 7;
let pictures = 0;

function newPicture(): RgbImage {
  const at = (STEP * pictures++) % BYTES;
  return { width: PICTURE_SIZE, height: PICTURE_SIZE, data: pixels.subarray(at, at + BYTES) };
}

/** Grammatical: content does not change times. */
const noteOf = (i: number): string =>
  `Unilateral pulmonary infection, one infected area, ${HEIGHTS[i % 3] ?? ''} ${i % 2 === 0 ? 'left' : 'right'} lung.`;

async function begin({ dir, device, threads }: Extract<Order, { kind: 'begin' }>): Promise<Model> {
  const { loadModel } = await import('@reclmis/runtime');
  const imported = performance.now();
  const model = await loadModel(dir, { device, ...(threads === null ? {} : { threads }) });
  const loaded = performance.now();
  await model.segment(newPicture(), noteOf(0));
  const ready: Ready = {
    kind: 'ready',
    firstMask: performance.now(),
    load: loaded - imported,
    residentBytes: process.memoryUsage().rss,
  };
  tell(ready);
  return model;
}

const processorSince = (begun: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
};

async function measure(model: Model, batch: number): Promise<Turn> {
  const cases = Array.from({ length: batch }, (_, i) => ({ image: newPicture(), note: noteOf(i) }));
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const [result] = await model.segmentBatch(cases);
  const milliseconds = performance.now() - begun;
  return {
    kind: 'turn',
    milliseconds,
    processorMilliseconds: processorSince(cpu),
    networkMilliseconds: result?.timings.segment ?? 0,
  };
}

async function measureNotes(model: Model): Promise<NotesTurn> {
  const picture = newPicture();
  await model.encodeNotes([noteOf(0), noteOf(1)]); // known ahead, so that images alone differ
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const image = await model.open(picture);
  await image.segment(noteOf(0));
  const first = performance.now() - begun;
  const firstProcessor = processorSince(cpu);
  const later = process.cpuUsage();
  const again = performance.now();
  await image.segment(noteOf(1));
  const further = performance.now() - again;
  const furtherProcessor = processorSince(later);
  await image.dispose();
  return { kind: 'notes', first, further, firstProcessor, furtherProcessor };
}

let model: Model | null = null;

async function obey(order: Order): Promise<void> {
  if (order.kind === 'begin') {
    model = await begin(order);
    return;
  }
  if (order.kind === 'measure' && model) {
    tell(await measure(model, order.batch));
    return;
  }
  if (order.kind === 'notes' && model) {
    tell(await measureNotes(model));
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
