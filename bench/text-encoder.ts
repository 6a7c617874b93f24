/**
 * Measures reading notes: CLIP's tokeniser, importing weights, the tower per note, training steps with kept
 * and with recomputed features (interleaved). Weights are random, in ViT-B/32's size.
 *
 *     node --expose-gc bench/dist/text-encoder.js --vocabulary bpe_simple_vocab_16e6.txt.gz [--steps 6] [--batch 8]
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ClipTokenizer } from '@reclmis/core';
import type { Batch } from '@reclmis/data';
import {
  CLIP_VIT_B_32,
  ClipEncoder,
  ClipTextTower,
  importWeights,
  type NoteEncoder,
  openSession,
  type Session,
  resolveConfig,
  trainStep,
} from '@reclmis/lab';
import { manualSeed, scope, type Tensor, writeTorchArchive, zeros } from '@reclmis/torch';

const { values } = parseArgs({
  options: {
    vocabulary: { type: 'string' },
    steps: { type: 'string', default: '6' },
    batch: { type: 'string', default: '8' },
  },
});
const vocabulary = values.vocabulary;
if (vocabulary === undefined) throw new Error('expected --vocabulary FILE');
const steps = Number(values.steps);
const batchSize = Number(values.batch);

/** Size of OpenAI's ViT-B-32.pt. */
const ARCHIVE_BYTES = 353_976_522;
const CONTEXT = 24;

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? NaN;
const seconds = <T>(work: () => T): [number, T] => {
  const begun = performance.now();
  const result = work();
  return [(performance.now() - begun) / 1000, result];
};

const note = (word: string): string =>
  `Bilateral pulmonary infection, two infected areas, upper ${word} left lung and lower right lung.`;

/** Exact only with --expose-gc. */
function held(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function benchTokenizer(tokenizer: ClipTokenizer): Record<string, number> {
  const rate = (count: number, text: (i: number) => string): number => {
    const [spent] = seconds(() => {
      for (let i = 0; i < count; i++) tokenizer.encode(text(i), CONTEXT);
    });
    return Math.round(count / spent);
  };
  rate(1000, () => note(''));
  return {
    notesPerSecondKnownWords: rate(100_000, () => note('')),
    notesPerSecondOneNewWordEach: rate(20_000, (i) => note(`w${i.toString(36)}`)),
  };
}

function writeArchive(file: string): void {
  manualSeed(1);
  using tower = new ClipTextTower(CLIP_VIT_B_32);
  scope(() => {
    const state = new Map<string, Tensor>();
    for (const [key, tensor] of tower.stateDict()) state.set(key, tensor.detach().to({ dtype: 'float16' }));
    state.set('logit_scale', zeros([], { dtype: 'float16' }));
    state.set('visual.conv1.weight', zeros([768, 3, 32, 32], { dtype: 'float16' }));
    const bytes = [...state.values()].reduce((sum, { numel }) => sum + 2 * numel, 0);
    state.set('visual.rest', zeros([(ARCHIVE_BYTES - bytes) / 2], { dtype: 'float16' }));
    writeTorchArchive(file, state);
  });
}

function openSteps(encoder: NoteEncoder): { session: Session; batch: Batch } {
  const config = resolveConfig({
    text: { encoder: 'words', contextLength: CONTEXT },
    train: { batchSize },
    data: { workers: 0 },
  });
  const notes = Array.from({ length: batchSize }, (_, i) => note(`area${i}`));
  const cases = notes.map((text, i) => ({ id: `c${i}`, note: text, imagePath: '', maskPath: '' }));
  const dataset = { name: 'made', dir: '', split: 'train', cases, fingerprint: '' } as const;
  const session = openSession(config, { train: dataset, val: { ...dataset, split: 'val' } });
  const S = config.model.imageSize;
  const batch = {
    ids: cases.map(({ id }) => id),
    notes,
    images: Float32Array.from({ length: batchSize * 3 * S * S }, (_, i) => (i % 251) / 250),
    masks: Float32Array.from({ length: batchSize * S * S }, (_, i) => (i % 7 === 0 ? 1 : 0)),
    count: batchSize,
    waitMs: 0,
  };
  return { session: { ...session, encoder }, batch };
}

const folder = mkdtempSync(join(tmpdir(), 'reclmis-bench-'));
try {
  const before = held();
  const tokenizer = await ClipTokenizer.fromBytes(readFileSync(vocabulary));
  const tokenizerBytes = held() - before;
  const tokens = benchTokenizer(tokenizer);

  const archive = join(folder, 'ViT-B-32.pt');
  writeArchive(archive);
  const begun = performance.now();
  const weights = await importWeights(archive, { vocabulary, home: join(folder, 'home') });
  const importSeconds = (performance.now() - begun) / 1000;

  const features = join(folder, 'features');
  const first = new ClipEncoder(weights, { contextLength: CONTEXT, features });
  scope(() => first.encode([note('warm')]));
  const tower: number[] = [];
  for (let i = 0; i < 30; i++) tower.push(scope(() => seconds(() => first.encode([note(`x${i}`)]))[0]));
  const memory = Array.from({ length: 30 }, () =>
    scope(() => seconds(() => first.encode([note('warm')]))[0]),
  );
  const second = new ClipEncoder(weights, { contextLength: CONTEXT, features });
  const disk: number[] = [];
  for (let i = 0; i < 30; i++) disk.push(scope(() => seconds(() => second.encode([note(`x${i}`)]))[0]));

  const { session, batch } = openSteps(first);
  const forgetful = (): NoteEncoder => new ClipEncoder(weights, { contextLength: CONTEXT, features: null });
  const kept: number[] = [];
  const recomputed: number[] = [];
  trainStep(session, batch, 1, 1e-4);
  for (let i = 0; i < steps; i++) {
    kept.push(seconds(() => trainStep(session, batch, 2, 1e-4))[0]);
    const encoder = forgetful();
    scope(() => encoder.encode([note('warm')])); // loads the tower, unmeasured
    recomputed.push(seconds(() => trainStep({ ...session, encoder }, batch, 3, 1e-4))[0]);
    encoder.dispose?.();
  }
  await session.close();

  const ms = (numbers: readonly number[]): number => Math.round(median(numbers) * 1e5) / 100;
  const report = {
    tokenizer: {
      ...tokens,
      megabytes: Math.round(tokenizerBytes / 1e4) / 100,
    },
    import: {
      archiveMegabytes: Math.round(statSync(archive).size / 1e6),
      seconds: Math.round(importSeconds * 100) / 100,
    },
    millisecondsPerNote: { tower: ms(tower), fromDisk: ms(disk), fromMemory: ms(memory) },
    secondsPerStep: { batchSize, steps, featuresKept: median(kept), featuresRecomputed: median(recomputed) },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
