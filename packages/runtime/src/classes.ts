/** Several classes of one image: it is decoded and resized once, and the model asked for one class after the other. */
import {
  answerOf,
  ClassVote,
  type ModelManifest,
  type NoteForModel,
  type NoteStyle,
  parseClasses,
  ReclmisError,
  refuseSameWords,
  type ResultChecks,
  type Sides,
  threshold as asMask,
} from '@reclmis/core';
import { turnedBack } from './clinical.js';
import type { Picture } from './picture.js';
import type { ClassAnswer, ClassSegmentation, NoteOptions } from './types.js';

/** What a model does for a class. */
export interface ClassAsker {
  readonly manifest: ModelManifest;
  readonly checks: ResultChecks;
  /** Once, after the notes are known to be good. */
  readonly picture: () => Promise<Picture>;
  readonly readNote: (note: string, sides: Sides | undefined, style: NoteStyle | undefined) => NoteForModel;
  /** @param planes [1,3,S,S] @returns [1,1,S,S], and how long its networks took */
  readonly ask: (
    planes: Float32Array,
    note: string,
    signal: AbortSignal | undefined,
  ) => Promise<{ readonly probability: Float32Array; readonly text: number; readonly segment: number }>;
}

/** @throws as `Model.segmentClasses` */
export async function segmentClasses(
  { manifest, checks, picture, readNote, ask }: ClassAsker,
  entries: unknown,
  { signal, threshold: least = manifest.threshold, sides, noteStyle }: NoteOptions,
): Promise<ClassSegmentation> {
  const classes = parseClasses(entries);
  if (manifest.note === null)
    throw new ReclmisError('OPTION_INVALID', 'classes: the model reads no notes, so it would give the same mask for every class', { remedy: 'Use a model that reads notes.' }); // prettier-ignore
  const notes = classes.map(({ note }) => readNote(note, sides, noteStyle));
  refuseSameWords(classes.map(({ name }, i) => ({ name, words: [notes[i]?.text ?? ''] })));
  const begun = performance.now();
  signal?.throwIfAborted();
  const S = manifest.image.size;
  const { planes, size, frame, warnings: ofImage } = await picture();
  const ready = performance.now();
  const { width, height } = size;
  const vote = new ClassVote(width, height);
  const probabilities: Float32Array[] = [];
  let [text, segment] = [0, 0];
  for (const [i, one] of classes.entries()) {
    signal?.throwIfAborted();
    const asked = await ask(planes, notes[i]?.text ?? one.note, signal);
    const answer = answerOf(asked.probability, 0, S, size);
    if ('wrong' in answer)
      throw new ReclmisError('INFERENCE_FAILED', `the model gave ${answer.wrong} for the class ${one.name}`);
    vote.add(answer.probability, one.threshold ?? least);
    probabilities.push(answer.probability);
    text += asked.text;
    segment += asked.segment;
  }
  signal?.throwIfAborted();
  const computed = performance.now();
  const back = await turnedBack(frame);
  const answers = classes.map(({ name, label, colour, threshold }, i): ClassAnswer => {
    const mask = back.raster(vote.mask(i));
    const own = probabilities[i]!;
    // The whole answer to the note, with what another class may win. That a class is absent is no warning.
    const answer = asMask(own, width, height, threshold ?? least);
    const ofMask = checks.mask(answer, notes[i]!.worded, notes[i]!.sides);
    const { text: sent, worded, sides: meant, mirrored, style, read, warnings } = notes[i]!;
    return {
      ...{ name, label, colour, threshold: threshold ?? least, mask },
      probability: back.plane(own, width, height),
      area: mask.data.reduce((sum, value) => sum + value, 0),
      claimed: vote.claimed(i),
      note: { sides: meant, mirrored, style, sent, read },
      warnings: [
        ...checks.note(worded, mirrored),
        ...warnings,
        ...ofMask.filter(({ code }) => code !== 'MASK_EMPTY'),
      ],
    };
  });
  const end = performance.now();
  const labels = back.raster(vote.labels(classes.map(({ label }) => label)));
  return {
    labels,
    ...{ width: labels.width, height: labels.height, classes: answers },
    ...(frame ? { clinical: frame } : {}),
    warnings: [...ofImage, ...(frame?.warnings ?? [])],
    timings: {
      preprocess: ready - begun,
      text,
      segment,
      postprocess: end - computed,
      total: end - begun,
    },
  };
}
