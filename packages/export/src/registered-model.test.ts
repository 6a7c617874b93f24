/** A new model takes one class and one descriptor; all commands then support it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { nn, type Tensor } from '@reclmis/torch';
import { afterAll, expect, it } from 'vitest';
import {
  tableEntries,
  describeSettings,
  loadConfig,
  evaluateRun,
  type ModelDescriptor,
  modelOfKeys,
  registerModel,
  type ModelOptions,
  type Segmentation,
  SegmentationModel,
  openRun,
  type NoteFeatures,
} from '@reclmis/lab';
import { makeTinyRun } from '@reclmis/lab/testing';
import { exportModel } from './export.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-registered-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** One convolution, shifted by the note's mean features. */
class Toy extends SegmentationModel {
  override readonly title = 'Toy';
  override readonly readsNotes = true;
  private readonly pixels = this.child('pixels', new nn.Conv2d(3, 1, 3, { padding: 1 }));
  private readonly words: nn.Linear;

  constructor(readonly options: ModelOptions) {
    super();
    this.words = this.child('words', new nn.Linear(options.textWidth, 1));
  }

  segment(images: Tensor, note: NoteFeatures | null): Segmentation {
    const mean = this.requireNote(note).mean([1]); // [B,W]
    const shift = this.words.forward(mean).view([-1, 1, 1, 1]); // [B,1,1,1]
    const logits = this.pixels.forward(images).add(shift); // [B,1,S,S]
    return { logits, probability: logits.sigmoid() };
  }
}

const toy: ModelDescriptor = {
  title: 'Toy',
  readsNotes: () => true,
  build: ({ baseWidth, imageSize }, { width: textWidth }) => new Toy({ baseWidth, imageSize, textWidth }),
  ownKey: 'words.weight',
  unusedKeys: [],
  presets: [],
};
registerModel('toy', toy);

it('is a setting like any other, by its name alone', () => {
  expect(loadConfig(undefined, { 'model.name': 'toy' }).model.name).toBe('toy');
  const choices = describeSettings().find(({ path }) => path === 'model.name')?.choices ?? [];
  expect([choices[0], choices.at(-1)]).toEqual(['reclmis', 'toy']);
  expect(() => loadConfig(undefined, { 'model.name': 'tow' })).toThrow(
    `model.name: expected one of ${choices.join(', ')}, got "tow"`,
  );
  const titles = tableEntries(loadConfig()).map(({ title }) => title);
  expect(titles.at(-1)).toBe('Toy');
  expect(titles).toHaveLength(choices.length + 1); // RecLMIS also without notes
  expect(modelOfKeys(new Set(['pixels.weight', 'words.weight']))).toBe('toy');
  expect(() => registerModel('unet', toy)).toThrow(ReclmisError);
});

it('trains, is evaluated, and is exported to a graph that computes the same', async () => {
  const run = await makeTinyRun(root, { 'model.name': 'toy' });
  const { config, info } = openRun(run);
  expect(info.status).toBe('finished');
  expect(config.model.name).toBe('toy');
  expect((await evaluateRun(run)).summary.count).toBe(4);
  const { check, manifest } = await exportModel(run, { out: join(root, 'model'), threads: 1 });
  expect(check.worst).toBeLessThan(1e-5); // float32 rounding
  expect(check).toMatchObject({ cases: 6, agreement: 1 });
  expect(manifest.name).toBe('toy-data');
  // The graph shows where the note enters, though the model does not say.
  expect(manifest.segmenter.features).toMatchObject([{ type: 'float32', shape: [1, 1, 32, 32] }]);
});
