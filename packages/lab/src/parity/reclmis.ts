/**
 * Compares RecLMIS with the authors' code (docs/method.md 12): every output, distribution of interest, loss
 * and gradient norm. Drawn masks come from the file, since top-k ties flip; our own must be as probable.
 */
import { scope, type Tensor } from '@reclmis/torch';
import { drawMask } from '../model/masking.js';
import type { TrainingOutput } from '../model/reclmis.js';
import type { NoteFeatures } from '../text/encoder.js';
import { objective, PAPER_WEIGHTS, requiredLosses } from '../model/losses.js';
import {
  compareGradients,
  compareLosses,
  compareOutput,
  compareSegmentation,
  type Comparison,
  needed,
  type ParityRow,
  type ParityTolerance,
  readFull,
  row,
  worstDifference,
} from './compare.js';
import { type Golden, type OutputSummary, parseGolden } from './golden.js';
import { rebuildInputs, rebuildModel } from './rebuild.js';

/** @param json the golden file's. @throws GOLDEN_INVALID, SAFETENSORS_INVALID */
export function compareRecLMIS(json: unknown, path: string, tolerance: ParityTolerance): Comparison {
  const golden = parseGolden(json, path);
  const { model, tower } = rebuildModel(golden, path);
  try {
    const rows = scope(() => {
      const full = readFull(summariesOf(golden), path);
      const { images, masks, hiddenPatches, hiddenWords } = rebuildInputs(golden);
      const note = tower.encodeTokens(golden.tokens);
      const output = model.forwardTraining(images, note, { patches: hiddenPatches, words: hiddenWords });
      const { total, values } = objective(output, masks, requiredLosses(model.auxiliary), PAPER_WEIGHTS);
      total.backward();
      const { probability } = model.segment(images, note);
      return [
        ...compareOutputs(golden, full, output, note, tolerance.output),
        compareSegmentation(probability, output.probability, tolerance.output),
        ...compareMasks(golden, output, note, { hiddenPatches, hiddenWords }, tolerance.output),
        ...compareLosses(lossesOf(values), golden.outputs.losses, tolerance.output),
        ...compareGradients(golden.gradient_norms, path, model.namedParameters(), {
          tolerance: tolerance.gradient,
        }),
      ];
    });
    return { title: model.title, rows };
  } finally {
    model.dispose();
    tower.dispose();
  }
}

function summariesOf({
  outputs,
}: Golden): Record<
  'probability' | 'clip_text' | 'f_image' | 'f_text' | 'ci_image' | 'ci_text',
  OutputSummary
> {
  const { probability, clip_text, f_image, f_text, ci_image, ci_text } = outputs;
  return { clip_text, f_image, f_text, ci_image, ci_text, probability };
}

function compareOutputs(
  golden: Golden,
  full: ReadonlyMap<string, Tensor>,
  output: TrainingOutput,
  note: NoteFeatures,
  tolerance: number,
): ParityRow[] {
  const ours: Record<string, Tensor | null> = {
    clip_text: note.features,
    f_image: output.imageFeatures,
    f_text: output.textFeatures,
    ci_image: output.interactedImage,
    ci_text: output.interactedText,
    probability: output.probability,
  };
  const rows = Object.entries(summariesOf(golden)).map(([name, summary]) =>
    compareOutput(name, needed(ours[name] ?? null, name), summary, full.get(name), tolerance),
  );
  const interest = [
    ['poi', output.poi, golden.outputs.poi],
    ['woi', output.woi, golden.outputs.woi],
  ] as const;
  for (const [name, distribution, reference] of interest) {
    const error = worstDifference(needed(distribution, name).toFloat32Array(), reference.flat());
    rows.push(row(name, 'output', error, tolerance, 'every element'));
  }
  return rows;
}

/** Compares up to ties: same probability, same number of items. */
function compareMasks(
  golden: Golden,
  output: TrainingOutput,
  note: NoteFeatures,
  given: { hiddenPatches: Tensor; hiddenWords: Tensor },
  tolerance: number,
): ParityRow[] {
  const draws = [
    ['masked_patches', output.poi, null, golden.img_mask_rate, given.hiddenPatches],
    ['masked_words', output.woi, note.valid, golden.text_mask_rate, given.hiddenWords],
  ] as const;
  return draws.map(([name, distribution, valid, ratio, reference]) => {
    const probability = needed(distribution, name).detach();
    const drawn = drawMask({ probability, valid, ratio, strategy: 'topk' });
    const counts = [drawn, reference].map((mask) => mask.sum([1]).toInt64Array().join());
    const held = [drawn, reference].map((mask) => probability.mul(mask).sum([1]).toFloat32Array());
    const error =
      counts[0] === counts[1] ? worstDifference(held[0] ?? [], held[1] ?? []) : Number.POSITIVE_INFINITY;
    return row(
      name,
      'mask',
      error,
      tolerance,
      `top-k draws ${counts[0]}; the file ${counts[1]}; probability held`,
    );
  });
}

function lossesOf(values: Readonly<Record<string, number | undefined>>): Record<string, number | undefined> {
  const { dice = Number.NaN, bce = Number.NaN, ccl, clr, cvr, total } = values;
  return { dice, bce, seg: (dice + bce) / 2, ccl, text_rec: clr, img_rec: cvr, total };
}
