import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config.js';
import { modelDescriptor, modelNames } from '../model/registry.js';
import { TABLE_1 } from './paper.js';
import { frozenParameters } from './parameters.js';
import {
  benchModels,
  differences,
  type ModelTable,
  modelRows,
  modelsLatex,
  modelsMarkdown,
  tableEntries,
  type TableRow,
} from './table.js';

const [W, S, T, TEXT] = [8, 32, 12, 512];
const C = 8 * W;
const linear = (before: number, after: number): number => before * after + after;
const norm = (channels: number): number => 2 * channels;
const convBn = (before: number, after: number): number => 9 * before * after + after + norm(after);
const pair = (before: number, after: number): number => convBn(before, after) + convBn(after, after);
const attention = 4 * linear(C, C);
/** PLAM on the skip, then two convolutions on both halves. */
const up = (skip: number, after: number): number =>
  2 * skip * skip + linear(3, 6) + linear(6, 1) + pair(2 * skip, after);
const encoder = convBn(3, W) + pair(W, 2 * W) + pair(2 * W, 4 * W) + pair(4 * W, 8 * W) + pair(8 * W, 8 * W);
const decoder = up(8 * W, 4 * W) + up(4 * W, 2 * W) + up(2 * W, W) + up(W, W) + linear(W, 1);
const textModule = 3 * TEXT * C + C;
const patches = linear(C, C) + (S / 16) ** 2 * C;
const INFERENCE = encoder + decoder + textModule + patches + 2 * attention;
const words = 3 * C * C + C + norm(C); // CTBN
const interest = linear(C, C) + linear(C, 1);
const feedForward = linear(C, 2 * C) + linear(2 * C, C) + norm(C);
/** One layer: the context stack attends to itself, the output stack also to the context. */
const reconstructor = attention + norm(C) + feedForward + (2 * (attention + norm(C)) + feedForward);
const TRAINED = INFERENCE + words + 2 * interest + 2 * reconstructor;
/** As in U-Net: transposed convolutions that keep their channels, no PLAM. */
const transposed = (channels: number): number => 4 * channels * channels + channels;
const UNET =
  encoder +
  [8 * W, 4 * W, 2 * W, W].reduce(
    (sum, skip) => sum + transposed(skip) + pair(2 * skip, Math.max(W, skip / 2)),
    0,
  ) +
  linear(W, 1);

const config = loadConfig(undefined, {
  'model.baseWidth': W,
  'model.imageSize': S,
  'model.layers': 1,
  'text.contextLength': T,
  'train.batchSize': 1,
  'train.threads': 1,
});

describe('benchModels', () => {
  it('counts every model of the project by its choices, RecLMIS also without notes', async () => {
    const table = await benchModels(tableEntries(config), { steps: 1, warmup: 1 });
    const counts = new Map(table.rows.map(({ title, parameters }) => [title, parameters]));
    const others = modelNames().slice(1);
    expect([...counts.keys()]).toEqual([
      'RecLMIS',
      'RecLMIS without notes',
      ...others.map((name) => modelDescriptor(name).title),
    ]);
    expect(counts.get('RecLMIS')).toEqual({ trained: TRAINED, inference: INFERENCE, frozen: 63_428_096 });
    expect(counts.get('RecLMIS without notes')).toEqual({
      trained: encoder + decoder,
      inference: encoder + decoder,
      frozen: 0,
    });
    expect(counts.get('U-Net')).toEqual({ trained: UNET, inference: UNET, frozen: 0 });
    for (const { multiplyAdds, seconds, peakBytes } of table.rows) {
      expect(multiplyAdds).toBeGreaterThan(1e5);
      expect(Math.min(seconds.model, seconds.whole, peakBytes)).toBeGreaterThan(0);
    }
    expect(table.rows.every(({ paper }) => paper === null)).toBe(true);
    expect(modelRows(table).columns.join()).not.toContain('paper');
    expect(modelRows(table).rows).toHaveLength(others.length + 2);
    expect(differences(table)).toEqual([]);
  });

  it('counts frozen towers by their sizes: ViT-B/32 as the authors’ checkpoint has it', () => {
    // Embeddings, 12 blocks, last norm, projection: 25,296,896 + 39,424 + 37,828,608 + 1,024 + 262,144
    expect(frozenParameters('clip-vit-b-32')).toBe(63_428_096);
    expect(frozenParameters('words')).toBe(0);
  });
});

function made(title: string, trained: number, inference: number, multiplyAdds: number): TableRow {
  const system = TABLE_1.find((one) => one.title === title);
  return {
    title,
    parameters: { trained, frozen: 0, inference },
    multiplyAdds,
    seconds: { model: 0.5, whole: 0.625 },
    peakBytes: 300 * 2 ** 20,
    paper: system ? { ...system, milliseconds: null } : null,
    reasons: title === 'U-Net' ? { flops: 'A reason.' } : {},
  };
}

const TABLE: ModelTable = {
  format: 'reclmis-models/1',
  rows: [
    made('RecLMIS', 50.2e6, 17.3e6, 23.9e9),
    made('LViT', 29.6e6, 29.6e6, 27e9),
    made('U-Net', 14.8e6, 14.8e6, 22.6e9),
  ],
  engine: {
    device: 'cpu',
    threads: 2,
    memoryFormat: 'contiguous',
    convolutions: 'libtorch',
    precision: 'fp32',
  },
  versions: { reclmis: '0', node: '20', libtorch: '1.13', vectors: 'AVX2' },
  batchSize: 1,
  steps: 3,
  imageSize: 224,
  baseWidth: 64,
};

describe('the paper beside it', () => {
  it('has Table 1 in full, ours first', () => {
    const { columns, rows } = modelRows(TABLE);
    expect(rows).toHaveLength(15);
    expect(rows.map(([title]) => title)).toEqual(expect.arrayContaining(TABLE_1.map(({ title }) => title)));
    const cell = (title: string, column: string): string | undefined =>
      rows.find(([name]) => name === title)?.[columns.indexOf(column)];
    expect([
      cell('LViT', 'trained, M'),
      cell('LViT', 'paper, M'),
      cell('LViT', 'FLOP, G'),
      cell('LViT', 'paper, G'),
    ]).toEqual(['29.6', '29.7', '54.0', '54.1']);
    expect([cell('nnUNet', 'trained, M'), cell('nnUNet', 'paper, G')]).toEqual(['', '412.7']);
  });

  it('says what the paper counts, and where numbers do not tell', () => {
    expect(differences(TABLE)).toEqual([
      'RecLMIS: the paper’s 23.7 M parameters match none of our counts (what is trained, 50.2 M; ' +
        'what inference reads, 17.3 M). ' +
        'Its 24.1 G count a multiply-add as one (ours 23.9 G, the paper’s 0.8 % above).',
      'LViT: the paper’s 29.7 M parameters are what is trained (ours 29.6 M). ' +
        'Its 54.1 G count a multiply-add as two (ours 54.0 G, the paper’s 0.2 % above).',
      'U-Net: the paper’s 14.8 M parameters are what is trained (ours 14.8 M). ' +
        'Its 50.3 G are nearest to ours with a multiply-add as two, but 11.3 % above them (45.2 G). A reason.',
      'So the paper counts RecLMIS differently from LViT; on equal terms, with two FLOP for a multiply-add: RecLMIS 47.8 G, LViT 54.0 G.',
    ]);
  });

  it('is the same in Markdown and LaTeX', () => {
    expect(modelsMarkdown(TABLE)).toContain('- So the paper counts RecLMIS differently from LViT');
    expect(modelsLatex(TABLE)).toContain(
      'U-Net & 14.8 &  & 14.8 & 14.8 & 22.6 & 45.2 & 50.3 & 500 & 625 &  & 300 \\\\',
    );
  });
});
