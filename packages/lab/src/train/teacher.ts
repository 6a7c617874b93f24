/**
 * Teachers, `train.teacher`: runs whose probabilities a model learns next to the masks (Hinton et al. 2015), on the same augmented images and notes.
 *
 * A teacher reads notes by its own encoder and in its own sides; one of another image size gets the images resized and its probabilities are resized
 * back, both bilinearly. Several teachers, and each one's opinion on the mirror image with the mirrored note (`train.teacherFlips`), are averaged. They
 * compute in evaluation mode and without gradients, and are not needed once the run has ended.
 *
 * B cases, S side of the student's input.
 */
import { basename } from 'node:path';
import { AverageSegmenter, type PlaneSegmenter, ReclmisError } from '@reclmis/core';
import { hashFile } from '@reclmis/files';
import { noGrad, scope, Tensor } from '@reclmis/torch';
import { type Config, teachersIn } from '../config/config.js';
import { readingAs } from '../evaluate/ensemble.js';
import { checkpointPath } from '../run/checkpoint.js';
import { type LoadedModel, openRun, sidesOf, type TeacherInfo } from '../run/run.js';

/** The caller disposes of it. */
export interface Teacher {
  readonly infos: readonly TeacherInfo[];
  /** @param images [B,3,S,S], planes R, G, B in [0, 1]. @param notes B of them. @returns [B,1,S,S] */
  probabilities(images: Float32Array, notes: readonly string[]): Promise<Float32Array>;
  dispose(): void;
}

/**
 * Loads the teachers; null without. Sets up libtorch as the last of them needs, so `prepareEngine` of the student comes later.
 * @param notes of the training cases. @throws CONFIG_INVALID for a weight of 0, and for a teacher that knows no word of the notes; the codes of
 * `openRun` and `loadModel`
 */
export async function openTeacher(config: Config, notes: Iterable<string>): Promise<Teacher | null> {
  const { teacher, teacherFlips: flips, threads, precision, lossWeights } = config.train;
  if (teacher === '') return null;
  if (lossWeights.distil === 0)
    throw new ReclmisError(
      'CONFIG_INVALID',
      'train.lossWeights.distil: expected above 0 with train.teacher, got 0',
    );
  const models: LoadedModel[] = [];
  const dispose = (): void => {
    for (const model of models) model.dispose();
  };
  try {
    const infos: TeacherInfo[] = [];
    const opinions: PlaneSegmenter[] = [];
    const texts = new Set(notes);
    for (const dir of teachersIn(teacher)) {
      const run = openRun(dir);
      const model = run.loadModel({ device: config.device, threads, precision });
      models.push(model);
      requireCommonWord(model, texts, dir);
      infos.push({
        run: basename(dir),
        model: run.config.model.name,
        epoch: model.checkpoint.epoch,
        sha256: await hashFile(checkpointPath(dir, 'best')),
      });
      const reading = readingAs(model, run.habits, sidesOf(config), flips);
      opinions.push(atSize(reading, config.model.imageSize));
    }
    const all = new AverageSegmenter(opinions);
    // A copy: the batch's images are for the student.
    return { infos, dispose, probabilities: (images, given) => all.probabilities(images.slice(), given) };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** @throws CHECKPOINT_MISMATCH if a resumed run's teachers have changed */
export function requireSameTeachers(
  teacher: Teacher | null,
  recorded: readonly TeacherInfo[] | undefined,
): void {
  teacher?.infos.forEach(({ run, sha256 }, i) => {
    const before = recorded?.[i]?.sha256;
    if (before === undefined || before === sha256) return;
    throw new ReclmisError(
      'CHECKPOINT_MISMATCH',
      `train.teacher: ${run} is not the run’s teacher (SHA-256 ${sha256.slice(0, 12)}, expected ${before.slice(0, 12)})`,
      { remedy: 'Restore the teacher’s best.safetensors as it was, or train again into another folder.' },
    );
  });
}

/** @throws CONFIG_INVALID if none of the notes holds a word of the teacher’s vocabulary */
function requireCommonWord({ model, encoder }: LoadedModel, notes: ReadonlySet<string>, dir: string): void {
  if (!model.readsNotes) return;
  for (const note of notes)
    if (encoder.tokens(note).tokens.some(({ word, kind }) => word !== null && kind !== 'unknown')) return;
  throw new ReclmisError(
    'CONFIG_INVALID',
    `train.teacher: ${dir} knows no word of the ${notes.size} different training notes`,
    { remedy: 'Choose a teacher that was trained on notes in the same language and words.' },
  );
}

function atSize(inner: PlaneSegmenter, size: number): PlaneSegmenter {
  if (inner.size === size) return inner;
  return {
    size,
    async probabilities(images, notes) {
      const theirs = resized(images, [notes.length, 3, size, size], inner.size);
      const found = await inner.probabilities(theirs, notes);
      return resized(found, [notes.length, 1, inner.size, inner.size], size);
    },
  };
}

/** @param shape of `planes`. */
function resized(planes: Float32Array, shape: readonly number[], size: number): Float32Array {
  return noGrad(() =>
    scope(() => Tensor.fromFloat32(planes, shape).upsampleBilinear2d([size, size], false).toFloat32Array()),
  );
}
