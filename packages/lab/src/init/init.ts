/**
 * Starting weights, `model.init`: published weights (families.ts), or a run of ours (from-run.ts).
 *
 * The model is first drawn as without a file; then the file replaces values. Nothing here draws random
 * numbers. A resumed run takes its weights from its state instead.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { hashFile } from '@reclmis/files';
import { noGrad, openTensorSource, scope, type Tensor } from '@reclmis/torch';
import type { InitInfo } from '../run/run.js';
import type { NoteEncoder } from '../text/encoder.js';
import { familiesOf, familyOf, mismatch } from './families.js';
import type { Family, Table } from './family.js';
import { openRunSource, type RunSource, storedRun, tableOfRun } from './from-run.js';
import { deeperThanModel, type Plan, planInit, withoutPrefix } from './plan.js';
import { count, make, put, type Shapes } from './recipe.js';
import { pairWords, vocabularyNextTo, vocabularyOf } from './words.js';

/** Least share of the part's numbers from a file. Swin-T gives 48 % of a Swin-Unet as deep as Swin-S. */
const LEAST_SHARE = 0.4;
/** Keys that a summary names. */
const SHOWN = 3;

export interface InitTarget {
  /** `model.name`. */
  readonly name: string;
  /** Parameters and buffers, to be overwritten. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** The new run's. */
  readonly encoder: Pick<NoteEncoder, 'describe'>;
}

export interface Initialised {
  readonly info: InitInfo;
  /** For people, a line each. */
  readonly lines: readonly string[];
}

/**
 * Fills a model with a file's weights.
 * @throws WEIGHTS_MISSING, INIT_MISMATCH, WEIGHTS_UNSUPPORTED for values that are not finite; the codes of
 * reading archives, runs and checkpoints. The model may be half filled then.
 */
export async function initialise(path: string, target: InitTarget): Promise<Initialised> {
  if (!existsSync(path))
    throw new ReclmisError('WEIGHTS_MISSING', `model.init: ${path}: no such file or run`, {
      remedy: 'Check the path; without --init, training starts from scratch.',
    });
  const stored = storedRun(path);
  const { family, title, plan, notice } = scope(() =>
    stored ? fromRun(openRunSource(stored), target, path) : fromFile(path, target),
  );
  const sha256 = await hashFile(stored?.path ?? path);
  const keys = (fit: 'as-is' | 'resized'): string[] =>
    plan.steps.filter((step) => step.fit === fit).map(({ key }) => key);
  const partly = plan.steps.flatMap(({ key, recipe: { rows } }) =>
    rows ? [{ key, rows: rows.length, of: target.state.get(key)?.size(0) ?? 0 }] : [],
  );
  const info: InitInfo = {
    file: basename(path),
    sha256,
    family,
    taken: keys('as-is'),
    interpolated: keys('resized'),
    ...(partly.length > 0 && { partly }),
    left: plan.left,
    missing: plan.missing,
  };
  return { info, lines: [describeInit(info, title), ...(notice === null ? [] : [notice])] };
}

interface Chosen {
  readonly family: string;
  readonly title: string;
  readonly plan: Plan;
  readonly notice: string | null;
}

type Read = (name: string) => Tensor;

function fromFile(path: string, target: InitTarget): Chosen {
  const source = openTensorSource(path);
  try {
    const chosen = planFile(path, shapesOf(source.tensors), target);
    fill(chosen.plan, path, (name) => source.read(name), target.state);
    return chosen;
  } finally {
    source.close();
  }
}

function planFile(path: string, file: Shapes, { name, state, encoder }: InitTarget): Chosen {
  const { family, prefix } = familyOf(path, file, name);
  const tableOf = Object.hasOwn(family.tables, name) ? family.tables[name] : undefined;
  if (!tableOf) throw mismatch(`${path}: ${family.title} is no start for ${name}`, name);
  const table = withWords(family, tableOf(withoutPrefix(file, prefix)), path, encoder);
  const plan = planInit(shapesOf(state), file, table, prefix);
  const deeper = family.blocks && deeperThanModel(plan, file, family.blocks, prefix);
  if (deeper)
    throw mismatch(
      `${path}: ${deeper.stage}: expected as many blocks as ${name} has, ${deeper.taken}, got ${deeper.blocks}: a deeper network`,
      name,
    );
  requireShare(plan.share, `${path}: ${family.title}`, `${name} that it is for`, name);
  return { family: family.id, title: family.title, plan, notice: null };
}

/** Maps the rows of a table of words by word, if the file's words are next to it. */
function withWords({ words }: Family, table: Table, path: string, encoder: InitTarget['encoder']): Table {
  const own = words && vocabularyOf(encoder.describe());
  const theirs = own && vocabularyNextTo(path);
  if (!theirs) return table;
  const rows = pairWords(own, theirs);
  return (key) => (key === words.key ? { from: [words.name], rows } : table(key));
}

/**
 * Much of what the model needs, or of what the run has, must fit: a U-Net's weights are few of UCTransNet's,
 * and nnU-Net has more levels at a larger size.
 */
function fromRun({ info, tensors }: RunSource, { name, state, encoder }: InitTarget, path: string): Chosen {
  const { model } = info.config;
  const [own, file] = [shapesOf(state), shapesOf(tensors)];
  const { table, notice } = tableOfRun(
    { model: model.name, encoder: info.encoder, shapes: file },
    { model: name, encoder: encoder.describe(), shapes: own },
  );
  const plan = planInit(own, file, table);
  requireShare(Math.max(plan.share, shareOf(plan, file)), `${path}: the run of ${model.name}`, name, name);
  const read: Read = (key) => tensors.get(key)!; // planned from these very names
  fill(plan, path, read, state);
  return { family: `run:${model.name}`, title: `a run of ${model.name}`, plan, notice };
}

/** The share of a file's numbers in use. */
function shareOf({ left }: Plan, file: Shapes): number {
  const unused = new Set(left);
  let [all, used] = [0, 0];
  for (const [name, shape] of file) {
    all += count(shape);
    if (!unused.has(name)) used += count(shape);
  }
  return all === 0 ? 0 : used / all;
}

function requireShare(share: number, what: string, of: string, model: string): void {
  if (share >= LEAST_SHARE) return;
  throw mismatch(
    `${what} gives ${(100 * share).toFixed(1)} % of the parameters of ${of}, expected at least ${100 * LEAST_SHARE} %; ` +
      'their sizes may differ',
    model,
  );
}

function fill({ steps }: Plan, path: string, read: Read, state: ReadonlyMap<string, Tensor>): void {
  noGrad(() => {
    for (const { key, recipe } of steps)
      scope(() => {
        const own = state.get(key);
        if (!own) throw new ReclmisError('INTERNAL', `the model has no parameter ${key}`);
        const made = make(recipe, read, own.shape);
        if (made.isfinite().all().item() === 0)
          throw new ReclmisError('WEIGHTS_UNSUPPORTED', `${path}: ${key}: expected finite values`, {
            remedy: 'Use a file that is not damaged, from a training that did not diverge.',
          });
        put(own, made, recipe);
      });
  });
}

function shapesOf(tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>): Shapes {
  return new Map([...tensors].map(([key, { shape }]) => [key, shape]));
}

/** A line about what was taken. */
export function describeInit(info: InitInfo, title = info.family): string {
  const parts = [
    `${info.taken.length} parameters taken`,
    `${info.interpolated.length} interpolated${few(info.interpolated)}`,
    ...(info.partly ?? []).map(({ key, rows, of }) => `${rows} of ${of} rows of ${key}`),
    `${info.missing.length} left as drawn${few(info.missing)}`,
    `${info.left.length} of the file unused${few(info.left)}`,
  ];
  return `Starts from ${info.file}, ${title}: ${parts.join('; ')}.`;
}

function few(keys: readonly string[]): string {
  if (keys.length === 0) return '';
  return ` (${keys.slice(0, SHOWN).join(', ')}${keys.length > SHOWN ? ', ...' : ''})`;
}

export { familiesOf };
