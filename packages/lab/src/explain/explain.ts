/**
 * Explains one segmentation: the mask, Grad-CAM at a layer, where the model looks (POI and WOI, eq. 3), and
 * CI's attention (eq. 1 and 2). One forward and one backward pass in evaluation mode; model and gradients
 * stay unchanged.
 *
 * S side of the model's input, T tokens, N patches.
 */
import {
  groupTokens,
  imageToPlanes,
  type Mask,
  type NoteHabits,
  noteForModel,
  type NoteStyle,
  type NoteTokens,
  type ResultChecks,
  type RgbImage,
  segmented,
  type Sides,
  sidesToTell,
  type StatedSides,
  type TokenGroup,
  UNKNOWN_HABITS,
  type Warning,
} from '@reclmis/core';
import { nn, scope, type Tensor } from '@reclmis/torch';
import { imageTensor, type Segmenter } from '../engine/segmenter.js';
import { trainedInterest } from '../model/options.js';
import { RecLMIS } from '../model/reclmis.js';
import type { ImageFeatures } from '../model/segmentation-model.js';
import { inPrecision } from '../engine/precision.js';
import type { NoteFeatures } from '../text/encoder.js';
import { type InteractionAttention, interactionAttention, interactionEars } from './attention.js';
import { AttentionListener, type AttentionMaps } from './attention-maps.js';
import { type GradCam, LayerLeaf, type Target, targetPixels } from './grad-cam.js';
import { applicability, isMissing, type Missing } from './interest.js';
import { mapContext } from './layers.js';
import type { SeenImage } from './seen-image.js';
import { type CamZones, camZones } from './zones.js';

const REWORDED = 'The note was put into the words of the training notes for the model.';
const MIRRORED =
  'The note means other sides than the model has learnt, so the model read it with left and right swapped.';

export interface ExplainOptions {
  /** For Grad-CAM; default: the model's `explainLayer`. */
  readonly layer?: string;
  /** Default: the predicted foreground. */
  readonly target?: Target;
  /** What the model's training notes were like (`Run.habits`). Default unknown. */
  readonly habits?: NoteHabits;
  /** Whose left and right the note means. Default the same; else the model reads it with them exchanged. */
  readonly sides?: Sides;
  /** Whether free text is put into the model's words. Default: if its training notes follow LViT's grammar. */
  readonly noteStyle?: NoteStyle;
  /** Default: no checks. */
  readonly checks?: ResultChecks;
  /** Kept by the caller from one note to the next, so that an image is seen once. Default: seen with its note. */
  readonly seen?: SeenImage;
}

export interface ReadNote {
  readonly text: string;
  readonly tokens: NoteTokens['tokens'];
  readonly groups: readonly TokenGroup[];
  /** Words beyond the context. */
  readonly cut: readonly string[];
}

export interface Distribution {
  /** POI: [N], row by row; WOI: [T], 0 for padding. Sums to 1. */
  readonly values: Float32Array;
}

export interface Explanation {
  /** S. */
  readonly size: number;
  /** Side of the grid of N patches. */
  readonly grid: number;
  /** Null if the model reads none. */
  readonly note: ReadNote | null;
  /** At the image's own size, as from `predict`. */
  readonly mask: Mask;
  readonly target: Target['kind'];
  readonly gradCam: GradCam | Missing;
  /** Grad-CAM by zone; null if the note names no chest zone or nothing can be measured. */
  readonly zones: CamZones | null;
  /** Whose left and right the note and the zones mean. */
  readonly sides: StatedSides;
  /** The model read the note with left and right exchanged. */
  readonly mirrored: boolean;
  /** `free` if the note was put into the model's words. */
  readonly style: NoteStyle;
  /** The note in those words, before left and right were exchanged. */
  readonly worded: string;
  readonly poi: Distribution | Missing;
  readonly woi: Distribution | Missing;
  /** CI's in RecLMIS, maps in other models. */
  readonly attention: InteractionAttention | AttentionMaps | Missing;
  /** Why the mask may be wrong although nothing failed. */
  readonly warnings: readonly Warning[];
  /** What a reader must know about the parts. */
  readonly remarks: readonly string[];
}

interface Pass {
  readonly probability: Float32Array;
  readonly gradCam: GradCam | Missing;
  readonly poi: Float32Array | null;
  readonly woi: Float32Array | null;
  readonly attention: InteractionAttention | AttentionMaps | Missing | null;
}

/**
 * Explains an image's segmentation.
 * @param note ignored if the model reads none. @throws OPTION_INVALID for a layer that is unknown or gives no
 * map, and for a target outside the image; MASK_SIZE_MISMATCH
 */
export function explain(
  segmenter: Segmenter,
  image: RgbImage,
  note: string,
  {
    layer = segmenter.model.explainLayer,
    target = { kind: 'predicted' },
    habits = UNKNOWN_HABITS,
    sides: askedSides,
    noteStyle,
    checks,
    seen,
  }: ExplainOptions = {},
): Explanation {
  const { model, encoder, size, resize } = segmenter;
  const asked = { sides: askedSides, style: model.readsNotes ? noteStyle : ('as-is' as const) };
  const { text, worded, sides, mirrored, style, warnings: ofNote } = noteForModel(note, habits, asked);
  const read = model.readsNotes ? groupedNote(text, encoder.tokens(text)) : null;
  const options = model instanceof RecLMIS ? model.options : null;
  const wasTraining = model.training;
  const trained = model.parameters().filter((parameter) => parameter.requiresGrad);
  model.eval();
  for (const parameter of trained) parameter.requiresGrad_(false); // or it would get a gradient
  let pass: Pass;
  try {
    pass = scope(() => onePass(segmenter, image, text, layer, target, seen));
  } finally {
    for (const parameter of trained) parameter.requiresGrad_(true);
    model.train(wasTraining);
  }
  const applies = applicability(options, model);
  const part = <T>(value: T | null, why: string | null): T | Missing =>
    value ?? { missing: why ?? 'the model returned none' };
  const distribution = (values: Float32Array | null): Distribution | null => values && { values };
  const { mask } = segmented(pass.probability, 0, size, image);
  const ofResult = checks && [
    ...checks.note(worded, mirrored),
    ...checks.image(imageToPlanes(image, size, resize), size),
    ...checks.mask(mask, worded, sides),
  ];
  const warnings = [...(read ? ofNote : []), ...(ofResult ?? [])];
  return {
    size,
    grid: size / 16,
    note: read,
    mask,
    target: target.kind,
    gradCam: pass.gradCam,
    zones:
      read && !isMissing(pass.gradCam)
        ? camZones(pass.gradCam, worded, image, sidesToTell(sides), habits.vocabulary)
        : null,
    sides,
    mirrored,
    style,
    worded,
    poi: part(distribution(pass.poi), applies.interest),
    woi: part(distribution(pass.woi), applies.interest),
    attention: part(pass.attention, applies.attention),
    warnings,
    remarks: [
      ...(options && pass.poi ? untrained(trainedInterest(options)) : []),
      ...(read && style === 'free' ? [REWORDED] : []),
      ...(read && mirrored ? [MIRRORED] : []),
      ...warnings.map(({ code, message }) => `${code}: ${message}`),
    ],
  };
}

function onePass(
  segmenter: Segmenter,
  image: RgbImage,
  note: string,
  layer: string,
  target: Target,
  seen: SeenImage | undefined,
): Pass {
  const { model, encoder, engine, size, resize } = segmenter;
  const planes = imageToPlanes(image, size, resize); // [3,S,S]
  const input = imageTensor(planes, 1, size, engine); // [1,3,S,S]
  const features = model.readsNotes ? encoder.encode([note], engine.device) : null;
  using leaf = new LayerLeaf(model, layer, mapContext({ model, encoder, size }));
  const ears = model instanceof RecLMIS ? interactionEars(model) : null;
  using listener = new AttentionListener(model);
  try {
    const own = [...(ears ?? [])].map(([path, ear]) => [path, ear.tap] as const);
    const taps = new Map([...own, ...listener.taps]);
    const ahead = seen
      ? inPrecision(engine, () => seen.featuresOf(model, planes, input, [layer, ...taps.keys()]))
      : null;
    const run = (reused: ImageFeatures | null): Looked =>
      nn.withTaps(model, taps, () =>
        // Outermost: an attention that is itself the layer is asked while it runs.
        nn.withTaps(model, new Map([[layer, leaf.tap]]), () =>
          inPrecision(engine, () => look(model, input, features, reused)),
        ),
      );
    let out = run(ahead);
    if (ahead && !leaf.heard) out = run(null); // the layer is not asked if it is known what follows
    const probability = out.probability.toFloat32Array();
    const pixels = targetPixels(target, probability, size, image);
    const self = model instanceof RecLMIS && model.options.attention.ci === 'self';
    return {
      probability,
      gradCam: pixels.includes(1)
        ? leaf.map(out.logits, pixels)
        : {
            missing:
              'nothing is predicted here, so there is no foreground to explain (use --target all to explain the whole mask)',
          },
      poi: out.poi?.toFloat32Array() ?? null,
      woi: out.woi?.toFloat32Array() ?? null,
      attention:
        model instanceof RecLMIS
          ? ears && interactionAttention(ears, self)
          : listener.maps({ images: input, pixels, ...given(segmenter, note) }),
    };
  } finally {
    for (const ear of ears?.values() ?? []) ear.dispose();
  }
}

interface Looked {
  readonly logits: Tensor;
  readonly probability: Tensor;
  readonly poi: Tensor | null;
  readonly woi: Tensor | null;
}

/** `segment`, with POI and WOI if the model has them. @param ahead the image's features, if known */
function look(
  model: Segmenter['model'],
  input: Tensor,
  note: NoteFeatures | null,
  ahead: ImageFeatures | null,
): Looked {
  if (model instanceof RecLMIS) return model.segmentWithInterest(input, note, ahead);
  return { ...(ahead ? model.withNote(ahead, note) : model.segment(input, note)), poi: null, woi: null };
}

/** The note for a model's attention, also of one that reads none to segment but has learnt from notes. */
function given(
  { model, encoder, engine }: Segmenter,
  note: string,
): { note: NoteFeatures | null; groups: readonly TokenGroup[] } {
  if (!model.learnsFromNotes || (note.trim() === '' && !model.readsNotes)) return { note: null, groups: [] };
  return { note: encoder.encode([note], engine.device), groups: groupTokens(encoder.tokens(note)).groups };
}

function groupedNote(text: string, tokens: NoteTokens): ReadNote {
  return { text, tokens: tokens.tokens, ...groupTokens(tokens) };
}

function untrained({ poi, woi }: { poi: boolean; woi: boolean }): string[] {
  const names = [...(poi ? [] : ['POI']), ...(woi ? [] : ['WOI'])];
  if (names.length === 0) return [];
  return [`no loss of this run is conditioned on ${names.join(' and ')}, so it is still as initialised`];
}
