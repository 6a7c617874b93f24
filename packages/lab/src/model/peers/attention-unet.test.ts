/** Attention U-Net: what its layers tell. */
import { manualSeed, nn, noGrad, scope, type Tensor } from '@reclmis/torch';
import { expect, it } from 'vitest';
import { buildModel } from '../registry.js';
import { modelSchema } from '../settings.js';
import { tinyBatch } from '../testing.js';

it('tells the gating map apart from the sum and its ReLU, and segments the same while it does', () => {
  manualSeed(1);
  const settings = modelSchema.parse({ name: 'attunet', baseWidth: 8, imageSize: 32 });
  using model = buildModel(settings, { width: 16, contextLength: 6, vocabularySize: 10 });
  model.eval();
  const heard = new Map<string, Float32Array>();
  const paths = ['Att5.W_g', 'Att5.W_g.1']; // the projection, and its normalisation
  const taps = new Map(
    paths.map((path) => [path, (map: unknown) => void heard.set(path, (map as Tensor).toFloat32Array())]),
  );
  const logits = (): Float32Array =>
    noGrad(() => scope(() => model.segment(tinyBatch().images, null).logits.toFloat32Array()));
  const plain = logits();
  const told = nn.withTaps(model, taps, logits);
  const map = heard.get('Att5.W_g') ?? new Float32Array();
  expect(map).toEqual(heard.get('Att5.W_g.1'));
  expect(Math.min(...map)).toBeLessThan(0);
  // One multiply-add instead of two in some layers.
  told.forEach((value, i) => expect(value).toBeCloseTo(plain[i] ?? NaN, 5));
});
